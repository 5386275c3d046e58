import { setTimeout as pause } from 'node:timers/promises';
import { crash, eventually, expect, installedOperator, scenario, underLoad } from './world.ts';

scenario(
  'operator and agents die again and again while members come, go and begin anew',
  { minutes: 12, suite: 'full', alone: true },
  async (world) => {
    const stopped = new AbortController();
    await underLoad(world, { members: 1 }, async ({ stack, becomesWhole }) => {
      const trouble = (async (): Promise<number> => {
        let kills = 0;
        while (!stopped.signal.aborted) {
          // Long enough for a step or two, and never the same.
          await pause(3_000 + Math.random() * 12_000);
          // In turn, for a container that only ever crashes is kept waiting by the kubelet.
          await (kills % 2 === 0 ? installedOperator.crash() : installedOperator.kill());
          // Seldom, for the same reason: each agent has three crashes before it is kept waiting for minutes.
          if (kills % 3 === 2 && kills < 20) {
            const pods = await stack.pods('mongodb');
            const victim = pods[Math.floor(kills / 3) % Math.max(1, pods.length)];
            // It may be gone by now; another one will do next time.
            if (victim) await crash(victim, 'agent').catch(() => undefined);
          }
          kills += 1;
        }
        return kills;
      })();
      try {
        await stack.patch({ mongodb: { members: 3 } });
        await becomesWhole(180);
        await stack.annotate('replace-member', 1);
        await eventually(
          async () => expect(await stack.secret('mongodb-identity')).toMatchObject({ rebuilt: 'volume 1' }),
          { within: 180 },
        );
        await becomesWhole(180);
        // The request stays, and is not meant for the member that comes when there is room for it again.
        await stack.patch({ mongodb: { members: 1 } });
        await becomesWhole(180);
      } finally {
        stopped.abort();
      }
      expect(await trouble).toBeGreaterThan(2);
      await becomesWhole(120);
    });
  },
);
