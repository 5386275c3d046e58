import { eventually, expect, get, kubectl, scenario, underLoad } from './world.ts';

scenario(
  'the node of the primary is drained, and no write fails',
  { minutes: 6, suite: 'full', alone: true },
  async (world) => {
    const { causes } = await underLoad(world, { members: 3 }, async ({ stack, becomesHealthy }) => {
      const pod = await stack.primary();
      const { spec } = await get(stack.namespace, 'pod', pod);
      const { nodeName } = spec as { nodeName: string };
      const selector = `app.kubernetes.io/instance=${stack.name}`;
      try {
        await kubectl(['cordon', nodeName]);
        // Only this stack's pods: other scenarios have theirs on the node.
        const drain = ['drain', nodeName, '--delete-emptydir-data', '--ignore-daemonsets', '--timeout=120s', '--force'];
        await kubectl([...drain, `--pod-selector=${selector},app.kubernetes.io/component=mongodb`]);
        await eventually(async () => expect(await stack.primary()).not.toBe(pod), { within: 30 });
      } finally {
        await kubectl(['uncordon', nodeName]);
      }
      await becomesHealthy(90);
    });
    expect(causes).toEqual([]);
  },
);
