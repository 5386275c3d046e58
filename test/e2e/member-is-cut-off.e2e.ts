import { setTimeout as pause } from 'node:timers/promises';
import { cutOff, eventually, expect, get, scenario, underLoad } from './world.ts';

scenario(
  'an unreachable primary is replaced, and only writes that it alone has are lost',
  { minutes: 6, suite: 'full', alone: true },
  async (world) => {
    await underLoad(world, { members: 3 }, async ({ stack, recorder, becomesHealthy }) => {
      const former = await stack.primary();
      {
        await using _cut = await cutOff(await get(stack.namespace, 'pod', former));
        await eventually(async () => expect(await stack.primary()).not.toBe(former), { within: 30 });
        const replaced = performance.now();
        await eventually(() => recorder.acknowledgedSince(replaced), { within: 10 });
        await stack.becomes('DatabaseReady=True/Degraded', { within: 30 });
        await pause(3_000);
      }
      await becomesHealthy();

      const secondary = [0, 1, 2].map((ordinal) => stack.member(ordinal)).find((name) => name !== former) ?? '';
      {
        await using _cut = await cutOff(await get(stack.namespace, 'pod', secondary));
        await stack.becomes('DatabaseReady=True/Degraded', { within: 30 });
      }
      await becomesHealthy();
    });
  },
);
