import { nodeNames } from '../../cluster/kind.ts';
import { fullName } from '../../cluster/node-images.ts';
import { eventually, expect, get, onNode, scenario, underLoad } from './world.ts';
import type { StoredObject } from './world.ts';
import { installedChart } from '../world/chart.ts';

const ANOTHER_TAG = 'e2e-upgrade';

function agentImage({ spec }: StoredObject): string {
  const { initContainers = [] } = spec as { initContainers?: { name: string; image: string }[] };
  return initContainers.find(({ name }) => name === 'agent')?.image ?? '';
}

/** The agent's image under another name, as a new version of it has. */
async function nameItAnew(image: string): Promise<string> {
  const another = image.replace(/:[^:/]+$/, `:${ANOTHER_TAG}`);
  for (const node of await nodeNames()) {
    await onNode(node, ['ctr', '-n', 'k8s.io', 'images', 'tag', '--force', fullName(image), fullName(another)]);
  }
  return another;
}

scenario(
  'a helm upgrade restarts no member unasked, and once asked for no write fails',
  { minutes: 6, suite: 'core', alone: true },
  async (world) => {
    const image = agentImage(await get('auth', 'pod', 'demo-mongodb-0'));
    const another = await nameItAnew(image);
    await using chart = await installedChart();

    const { causes } = await underLoad(
      world,
      { members: 3, spec: { updates: { policy: 'OnRequest' } } },
      async ({ stack, becomesHealthy }) => {
        const uids = async (): Promise<readonly string[]> =>
          (await stack.pods('mongodb')).map(({ metadata }) => metadata.uid);
        const before = await uids();

        await chart.upgrade({ image: { agent: { tag: ANOTHER_TAG } } });

        const { message } = await stack.becomes('DatabaseReady=True/UpgradePending', { within: 60 });
        // The demo lets its members be restarted; they had their turn before this stack's could be forgotten.
        await eventually(
          async () => {
            for (const ordinal of [0, 1, 2]) {
              expect(agentImage(await get('auth', 'pod', `demo-mongodb-${ordinal}`))).toBe(another);
            }
          },
          { within: 120 },
        );
        expect(await uids()).toEqual(before);

        await stack.annotate('update-members', /authstack\.dev\/update-members=(\w+)/.exec(message)?.[1]);

        await eventually(
          async () => {
            const images = (await stack.pods('mongodb')).map(agentImage);
            expect(images).toEqual([another, another, another]);
          },
          { within: 120 },
        );
        await becomesHealthy();
      },
    );
    expect(causes).toEqual([]);
  },
);
