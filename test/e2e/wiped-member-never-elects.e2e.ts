import { setTimeout as pause } from 'node:timers/promises';
import { eventually, scenario, underLoad } from './world.ts';

scenario(
  'a wiped member does not elect one that lags when the primary dies',
  { minutes: 6, suite: 'full' },
  async (world) => {
    await underLoad(world, { members: 3, gap: 6 }, async ({ stack, recorder, becomesHealthy }) => {
      const primary = await stack.primaryOrdinal();
      const [wiped = 1, behind = 2] = [0, 1, 2].filter((ordinal) => ordinal !== primary);

      // It replicates no writes from here on: the primary and the member that will be wiped acknowledge them.
      await stack.askMember(behind, (client) => client.db('admin').command({ fsync: 1, lock: true }));
      const locked = performance.now();
      await eventually(() => recorder.acknowledgedSince(locked), { within: 10 });
      await pause(3_000);

      await stack.loseVolume(wiped);
      await stack.killPods([stack.member(primary)]);
      // Longer than members wait for a silent primary before they call an election.
      await pause(10_000);
      await stack.askMember(behind, (client) => client.db('admin').command({ fsyncUnlock: 1 }));

      await becomesHealthy(120);
    });
  },
);
