import type { StoredObject } from './kubectl.ts';
import { onNode } from './node.ts';

/** Cuts a pod's address off, on the node that forwards for it: from those of the other pods, or from everything. */
export async function cutOff(pod: StoredObject, from?: readonly StoredObject[]): Promise<AsyncDisposable> {
  const { nodeName } = pod.spec as { nodeName: string };
  const rules = from
    ? from.map((other) => ['FORWARD', '-s', addressOf(pod), '-d', addressOf(other), '-j', 'DROP'])
    : ['-s', '-d'].map((direction) => ['FORWARD', direction, addressOf(pod), '-j', 'DROP']);
  await using begun = new AsyncDisposableStack();
  for (const rule of rules) {
    await onNode(nodeName, ['iptables', '-I', ...rule]);
    begun.defer(async () => {
      await onNode(nodeName, ['iptables', '-D', ...rule]);
    });
  }
  return begun.move();
}

function addressOf({ metadata, status }: StoredObject): string {
  const { podIP } = (status ?? {}) as { podIP?: string };
  if (podIP === undefined) throw new Error(`pod ${metadata.namespace}/${metadata.name} has no address`);
  return podIP;
}
