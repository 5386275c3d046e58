import { setTimeout as pause } from 'node:timers/promises';
import { expect, get, installedOperator, onNode, scenario, underLoad } from '../world.ts';
import { containersOf } from '../world/node.ts';
import type { Stack } from '../world.ts';

/** The agent, as a crash ends it: mongod beside it goes on. */
async function killAgent(stack: Stack, pod: string): Promise<void> {
  const { metadata, spec } = await get(stack.namespace, 'pod', pod);
  const { nodeName } = spec as { nodeName: string };
  for (const container of await containersOf(nodeName, metadata.uid)) {
    const info = await onNode(nodeName, ['ctr', '--namespace', 'k8s.io', 'containers', 'info', container]);
    if (!info.includes('"io.kubernetes.container.name": "agent"')) continue;
    await onNode(nodeName, ['ctr', '--namespace', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', container]);
  }
}

scenario(
  'operator and agents die again and again while members come, go and begin anew',
  { minutes: 12 },
  async (world) => {
    const stopped = new AbortController();
    await underLoad(world, { members: 1 }, async ({ stack, becomesWhole }) => {
      const trouble = (async (): Promise<number> => {
        let kills = 0;
        while (!stopped.signal.aborted) {
          await pause(4_000);
          await installedOperator.kill();
          const pods = await stack.pods('mongodb');
          const victim = pods[kills % Math.max(1, pods.length)];
          // It may be gone by now; another one will do next time.
          if (victim) await killAgent(stack, victim.metadata.name).catch(() => undefined);
          kills += 1;
        }
        return kills;
      })();
      try {
        await stack.patch({ mongodb: { members: 3 } });
        await becomesWhole(180);
        await stack.annotate('replace-member', 1);
        await becomesWhole(180);
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
