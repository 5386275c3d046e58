import { isApiError } from '../../operator/src/runtime/client.ts';
import type { Pod } from '../../operator/src/runtime/core-kinds.ts';
import type { Millis } from '../../operator/src/runtime/objects.ts';

interface Container {
  readonly name: string;
  readonly image: string;
}

interface Running {
  readonly address: string;
  readonly ready: boolean;
  readonly now: Millis;
}

/** What a kubelet reports of a pod whose containers run. */
export function runningStatus(pod: Pod, { address, ready, now }: Running): object {
  const startedAt = new Date(now).toISOString().replace(/\.\d+/, '');
  const { initContainers = [], containers = [] } = pod.spec as {
    readonly initContainers?: readonly Container[];
    readonly containers?: readonly Container[];
  };
  const statuses = (list: readonly Container[], isReady: boolean): object[] =>
    list.map(({ name, image }) => {
      const state = { running: { startedAt } };
      return { name, image, imageID: image, ready: isReady, started: true, restartCount: 0, state };
    });
  const condition = (type: string, holds: boolean): object => ({ type, status: holds ? 'True' : 'False' });
  return {
    phase: 'Running',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: startedAt,
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', ready),
      condition('Ready', ready),
    ],
    initContainerStatuses: statuses(initContainers, true),
    containerStatuses: statuses(containers, ready),
  };
}

/** Undefined while there is no such object. */
export async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isApiError(error, 404)) return undefined;
    throw error;
  }
}
