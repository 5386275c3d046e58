import { scenario, underLoad } from './world.ts';

scenario('every member dies in turn, then all of them at once', { minutes: 6, suite: 'full' }, async (world) => {
  await underLoad(world, { members: 3, gap: 6 }, async ({ stack, becomesHealthy }) => {
    for (const ordinal of [0, 1, 2]) {
      await stack.loseMembers([stack.member(ordinal)]);
      await becomesHealthy();
    }
    await stack.loseMembers([0, 1, 2].map((ordinal) => stack.member(ordinal)));
    await becomesHealthy(120);
  });
});
