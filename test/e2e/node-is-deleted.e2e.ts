import { docker } from '../../cluster/docker.ts';
import { apply, eventually, expect, find, get, kubectl, scenario, underLoad } from './world.ts';
import { nodeOf, primaryOnAWorkerOfItsOwn, stopNode } from '../world/lost-node.ts';

interface ClusterNode {
  readonly metadata: { readonly name: string; readonly labels: object; readonly annotations: object };
  readonly spec: { readonly podCIDR: string; readonly podCIDRs: readonly string[] };
}

/**
 * Restarts a node, as machines do: nothing of what ran on it, and none of its network rules, is left. It is registered as it
 * was before: a kubelet alone would register it with other addresses than its network has.
 */
async function comeBack({ metadata, spec }: ClusterNode): Promise<void> {
  const { name, labels, annotations } = metadata;
  const { podCIDR, podCIDRs } = spec;
  await docker(['kill', name]);
  await kubectl(['delete', 'node', name, '--ignore-not-found']);
  await apply({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels, annotations }, spec: { podCIDR, podCIDRs } });
  await docker(['start', name]);
  await eventually(() => kubectl(['wait', 'node', name, '--for=condition=Ready', '--timeout=5s']), { within: 90 });
  for (const daemonSet of ['kube-proxy', 'node-routes']) {
    await kubectl(['-n', 'kube-system', 'rollout', 'status', `daemonset/${daemonSet}`, '--timeout=180s']);
  }
}

scenario(
  'a node that does not come back is deleted, and its member resyncs on another node',
  { minutes: 10, suite: 'full', alone: true },
  async (world) => {
    await underLoad(world, { members: 3 }, async ({ stack, becomesHealthy }) => {
      const pod = await primaryOnAWorkerOfItsOwn(stack);
      const node = await nodeOf(stack, pod);
      const formerNode = JSON.parse(await kubectl(['get', 'node', node, '-o', 'json'])) as ClusterNode;
      const former = await get(stack.namespace, 'pvc', `data-${pod}`);
      try {
        await using _dead = await stopNode(node);
        await eventually(async () => expect(await stack.primary()).not.toBe(pod), { within: 60 });
        await kubectl(['delete', 'node', node, '--wait=false']);
        await eventually(
          async () => {
            const claim = await find(stack.namespace, 'pvc', `data-${pod}`);
            expect(claim).toBeDefined();
            expect(claim?.metadata.uid).not.toBe(former.metadata.uid);
          },
          { within: 120 },
        );
        await becomesHealthy(120);
        expect(await nodeOf(stack, pod)).not.toBe(node);
      } finally {
        await comeBack(formerNode);
      }
    });
  },
);
