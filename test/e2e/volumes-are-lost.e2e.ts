import { eventually, expect, find, scenario, underLoad } from './world.ts';

scenario('every member loses its volume in turn, and resyncs', { minutes: 8, suite: 'full' }, async (world) => {
  await underLoad(world, { members: 3 }, async ({ stack, becomesHealthy }) => {
    for (const ordinal of [2, 1, 0]) {
      const claim = `data-${stack.member(ordinal)}`;
      const former = await find(stack.namespace, 'pvc', claim);
      await stack.loseVolume(ordinal);
      await eventually(
        async () => {
          const found = await find(stack.namespace, 'pvc', claim);
          expect(found?.metadata.uid).not.toBe(former?.metadata.uid);
          expect(await stack.condition('DatabaseReady')).not.toMatchObject({ reason: 'AllMembersHealthy' });
        },
        { within: 60 },
      );
      await becomesHealthy();
    }
  });
});
