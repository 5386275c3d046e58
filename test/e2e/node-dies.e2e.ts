import { eventually, expect, scenario, underLoad } from './world.ts';
import { nodeOf, primaryOnAWorkerOfItsOwn, stopNode } from '../world/lost-node.ts';

scenario(
  'the node of the primary dies and comes back, and its member rejoins',
  { minutes: 8, suite: 'core', alone: true },
  async (world) => {
    await underLoad(world, { members: 3 }, async ({ stack, becomesHealthy }) => {
      const pod = await primaryOnAWorkerOfItsOwn(stack);
      {
        await using _dead = await stopNode(await nodeOf(stack, pod));
        await eventually(async () => expect(await stack.primary()).not.toBe(pod), { within: 60 });
        await stack.becomes('DatabaseReady=True/Degraded', { within: 30 });
      }
      await becomesHealthy(120);
    });
  },
);
