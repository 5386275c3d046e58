import { setTimeout as pause } from 'node:timers/promises';
import { eventually, expect, get, onNode, scenario, underLoad } from './world.ts';
import type { Stack } from './world.ts';

/** Cuts a pod's address off from everything, on the node that forwards for it. */
async function cutOff(stack: Stack, pod: string): Promise<AsyncDisposable> {
  const { spec, status } = await get(stack.namespace, 'pod', pod);
  const { nodeName } = spec as { nodeName: string };
  const { podIP } = status as { podIP: string };
  const rules = ['-s', '-d'].map((direction) => ['FORWARD', direction, podIP, '-j', 'DROP']);
  for (const rule of rules) await onNode(nodeName, ['iptables', '-I', ...rule]);
  return {
    async [Symbol.asyncDispose]() {
      for (const rule of rules) await onNode(nodeName, ['iptables', '-D', ...rule]);
    },
  };
}

scenario(
  'an unreachable primary is replaced, and only writes that it alone has are lost',
  { minutes: 6, suite: 'full', alone: true },
  async (world) => {
    await underLoad(world, { members: 3 }, async ({ stack, recorder, becomesHealthy }) => {
      const former = await stack.primary();
      {
        await using _cut = await cutOff(stack, former);
        await eventually(async () => expect(await stack.primary()).not.toBe(former), { within: 30 });
        const replaced = performance.now();
        await eventually(() => recorder.acknowledgedSince(replaced), { within: 10 });
        await stack.becomes('DatabaseReady=True/Degraded', { within: 30 });
        await pause(3_000);
      }
      await becomesHealthy();

      const secondary = [0, 1, 2].map((ordinal) => stack.member(ordinal)).find((name) => name !== former) ?? '';
      {
        await using _cut = await cutOff(stack, secondary);
        await stack.becomes('DatabaseReady=True/Degraded', { within: 30 });
      }
      await becomesHealthy();
    });
  },
);
