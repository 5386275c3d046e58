import { setTimeout as pause } from 'node:timers/promises';
import { crash, eventually, expect, installedOperator, scenario, underLoad } from './world.ts';

scenario(
  'operator and agents die again and again while members are added, removed and resynced',
  { minutes: 12, suite: 'full', alone: true },
  async (world) => {
    const stopped = new AbortController();
    await underLoad(world, { members: 1 }, async ({ stack, becomesHealthy }) => {
      const kills = (async (): Promise<number> => {
        let count = 0;
        while (!stopped.signal.aborted) {
          // Long enough for a step or two, and different each time.
          await pause(3_000 + Math.random() * 12_000);
          // In turn, because the kubelet delays the restarts of a container that only crashes.
          await (count % 2 === 0 ? installedOperator.crash() : installedOperator.kill());
          // Seldom, for the same reason: after three crashes an agent's restart is delayed for minutes.
          if (count % 3 === 2 && count < 20) {
            const pods = await stack.pods('mongodb');
            const victim = pods[Math.floor(count / 3) % Math.max(1, pods.length)];
            // It may be gone by now; the next round takes another one.
            if (victim) await crash(victim, 'agent').catch(() => undefined);
          }
          count += 1;
        }
        return count;
      })();
      try {
        await stack.patch({ mongodb: { members: 3 } });
        await becomesHealthy(180);
        await stack.annotate('replace-member', 1);
        await eventually(
          async () => expect(await stack.secret('mongodb-identity')).toMatchObject({ rebuilt: 'volume 1' }),
          { within: 180 },
        );
        await becomesHealthy(180);
        // The request stays, and must not apply to a later member of the same ordinal.
        await stack.patch({ mongodb: { members: 1 } });
        await becomesHealthy(180);
      } finally {
        stopped.abort();
      }
      expect(await kills).toBeGreaterThan(2);
      await becomesHealthy(120);
    });
  },
);
