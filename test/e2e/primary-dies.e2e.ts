import { expect, scenario, underLoad } from './world.ts';

scenario(
  'the primary dies five times, and writes continue within seconds',
  { minutes: 6, suite: 'core' },
  async (world) => {
    const { refused } = await underLoad(world, { members: 3 }, async ({ stack, becomesHealthy }) => {
      for (let turn = 0; turn < 5; turn++) {
        await stack.loseMembers([await stack.primary()]);
        await becomesHealthy();
      }
    });
    expect(refused).toBeGreaterThan(0);
  },
);
