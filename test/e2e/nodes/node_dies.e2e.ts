import { docker } from '../../../cluster/docker.ts';
import { apply, eventually, expect, find, get, kubectl, onNode, scenario, underLoad } from '../world.ts';
import type { Stack } from '../world.ts';

/** A node without power, as the others see it: nothing on it moves and nothing of it answers. */
async function stopNode(node: string): Promise<AsyncDisposable> {
  await docker(['pause', node]);
  let isStopped = true;
  return {
    async [Symbol.asyncDispose]() {
      if (isStopped) await docker(['unpause', node]);
      isStopped = false;
    },
  };
}

async function nodeOf(stack: Stack, pod: string): Promise<string> {
  const { spec } = await get(stack.namespace, 'pod', pod);
  return (spec as { nodeName: string }).nodeName;
}

interface ClusterNode {
  readonly metadata: { readonly name: string; readonly labels: object; readonly annotations: object };
  readonly spec: { readonly podCIDR: string; readonly podCIDRs: readonly string[] };
}

/** A node comes back as it was: a kubelet alone would have it registered with other addresses than its network has. */
async function register({ metadata, spec }: ClusterNode): Promise<void> {
  const { name, labels, annotations } = metadata;
  const { podCIDR, podCIDRs } = spec;
  await kubectl(['delete', 'node', name, '--ignore-not-found']);
  await apply({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels, annotations }, spec: { podCIDR, podCIDRs } });
  await onNode(name, ['systemctl', 'restart', 'kubelet']);
  // Its own services took the deletion for the end, and do not start over by themselves.
  await kubectl(['-n', 'kube-system', 'delete', 'pods', '--field-selector', `spec.nodeName=${name}`]);
}

/** Not where the operator or the API server would go along. */
async function primaryOnAWorkerOfItsOwn(stack: Stack): Promise<string> {
  const operators = JSON.parse(await kubectl(['-n', 'authstack-system', 'get', 'pods', '-o', 'json'])) as {
    items: { spec: { nodeName: string } }[];
  };
  const taken = new Set(operators.items.map(({ spec }) => spec.nodeName));
  const others: number[] = [];
  for (const ordinal of [0, 1, 2]) if (!taken.has(await nodeOf(stack, stack.member(ordinal)))) others.push(ordinal);
  const [wanted] = others;
  if (wanted === undefined) throw new Error('every member shares its node with the operator');
  if ((await stack.primary()) !== stack.member(wanted)) {
    const former = Number((await stack.primary()).split('-').at(-1));
    const hosts = [0, 1, 2].filter((ordinal) => ordinal !== former && ordinal !== wanted);
    // The third one stands back for a moment, so that the wanted one is elected.
    for (const ordinal of hosts) {
      await stack.askMember(ordinal, (client) => client.db('admin').command({ replSetFreeze: 30 }));
    }
    await stack.askMember(former, (client) => client.db('admin').command({ replSetStepDown: 60 }));
    await eventually(async () => expect(await stack.primary()).toBe(stack.member(wanted)), { within: 30 });
  }
  return stack.member(wanted);
}

scenario('the node of the primary dies and comes back, and its member with it', { minutes: 8 }, async (world) => {
  await underLoad(world, { members: 3 }, async ({ stack, becomesWhole }) => {
    const pod = await primaryOnAWorkerOfItsOwn(stack);
    {
      await using _dead = await stopNode(await nodeOf(stack, pod));
      await eventually(async () => expect(await stack.primary()).not.toBe(pod), { within: 60 });
      await stack.becomes('DatabaseReady=True/Degraded', { within: 30 });
    }
    await becomesWhole(120);
  });
});

scenario(
  'a node that does not come back is deleted, and its member begins anew on another',
  { minutes: 10 },
  async (world) => {
    await underLoad(world, { members: 3 }, async ({ stack, becomesWhole }) => {
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
        await becomesWhole(120);
        expect(await nodeOf(stack, pod)).not.toBe(node);
      } finally {
        await register(formerNode);
        await eventually(() => kubectl(['wait', 'node', node, '--for=condition=Ready', '--timeout=5s']), {
          within: 90,
        });
      }
    });
  },
);
