import { ensurePatches } from '../../cluster/images.ts';
import { loadImages } from '../../cluster/node-images.ts';
import { eventually, expect, scenario, underLoad } from './world.ts';
import type { Stack } from './world.ts';

const members = [0, 1, 2];

function patchOf(stack: Stack, ordinal: number): Promise<string> {
  return stack.askMember(ordinal, async (client) => {
    const { version } = await client.db('admin').command({ buildInfo: 1 });
    return String(version);
  });
}

scenario('another patch of MongoDB 6.0 loses no acknowledged write', { minutes: 8, suite: 'full' }, async (world) => {
  const { older, newer } = await ensurePatches();
  await loadImages([older, newer]);

  const { causes } = await underLoad(
    world,
    { members: 3, spec: { mongodb: { version: '6.0', image: older } } },
    async ({ stack, becomesHealthy }) => {
      for (const ordinal of members) expect(await patchOf(stack, ordinal)).toBe('6.0.5');

      await stack.patch({ mongodb: { image: newer } });

      await eventually(
        async () => {
          for (const ordinal of members) expect(await patchOf(stack, ordinal)).not.toBe('6.0.5');
        },
        { within: 180 },
      );
      await becomesHealthy();
      const { status } = await stack.read();
      expect(status?.['mongodb']).toMatchObject({ version: '6.0', featureCompatibilityVersion: '6.0' });
    },
  );
  expect(causes).toEqual([]);
});
