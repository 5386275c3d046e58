import { docker } from '../../cluster/docker.ts';
import type { StoredObject } from './kubectl.ts';

/** Runs a command on a node of the cluster, as root; answers what it printed. */
export async function onNode(node: string, command: readonly string[]): Promise<string> {
  return (await docker(['exec', node, ...command])).trim();
}

type Act = readonly ['pause'] | readonly ['resume'] | readonly ['kill', '--signal', 'SIGKILL'];

/** One or all containers of a pod, as they run on its node. */
export interface RunningContainers {
  readonly count: number;
  /** The kubelet is not asked. */
  act(...act: Act): Promise<void>;
}

/** Those that run now; with a name only that one. */
export async function containersOf({ metadata, spec }: StoredObject, name?: string): Promise<RunningContainers> {
  const { nodeName } = spec as { nodeName?: string };
  // Not on a node yet.
  if (nodeName === undefined) return { count: 0, act: () => Promise.resolve() };
  const ctr = (...args: string[]): Promise<string> => onNode(nodeName, ['ctr', '--namespace', 'k8s.io', ...args]);
  const labels = { 'pod.uid': metadata.uid, ...(name !== undefined && { 'container.name': name }) };
  const filter = Object.entries(labels).map(([label, value]) => `labels."io.kubernetes.${label}"==${value}`);
  const kind = 'labels."io.cri-containerd.kind"==container';
  const listed = await ctr('containers', 'list', '--quiet', [...filter, kind].join(','));
  const tasks = await ctr('tasks', 'list');
  const running = listed.split('\n').filter((id) => id !== '' && new RegExp(`^${id}\\s.*RUNNING`, 'm').test(tasks));
  return {
    count: running.length,
    async act(...act) {
      for (const id of running) {
        try {
          await ctr('tasks', ...act, id);
        } catch (error) {
          // It has ended meanwhile; the others may not have.
          if (!String(error).includes('not found')) throw error;
        }
      }
    },
  };
}

/** Ends processes with SIGKILL, as a lack of memory does: they cannot hand over. */
export async function crash(pod: StoredObject, container?: string): Promise<void> {
  await (await containersOf(pod, container)).act('kill', '--signal', 'SIGKILL');
}
