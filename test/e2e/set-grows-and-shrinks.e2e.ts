import { eventually, expect, scenario, underLoad } from './world.ts';
import type { Stack } from './world.ts';

async function voters(stack: Stack): Promise<number> {
  const ordinal = await stack.primaryOrdinal();
  return stack.askMember(ordinal, async (client) => {
    const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
    return (config as { members: { votes: number }[] }).members.filter(({ votes }) => votes === 1).length;
  });
}

scenario(
  'a set grows from one to five members and shrinks to one again',
  { minutes: 12, suite: 'core' },
  async (world) => {
    await underLoad(world, { members: 1 }, async ({ stack, becomesHealthy }) => {
      for (const members of [3, 5, 3, 1] as const) {
        await stack.patch({ mongodb: { members } });
        await eventually(async () => expect(await stack.pods('mongodb')).toHaveLength(members), { within: 90 });
        await becomesHealthy(90);
        await eventually(async () => expect(await voters(stack)).toBe(members), { within: 30 });
      }
    });
  },
);
