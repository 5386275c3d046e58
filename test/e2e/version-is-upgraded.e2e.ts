import { ensureOlderMongod } from '../../cluster/images.ts';
import { loadImages } from '../../cluster/node-images.ts';
import { eventually, expect, scenario, underLoad } from './world.ts';
import { installedChart } from '../world/chart.ts';
import type { Stack } from './world.ts';

interface Versions {
  readonly version?: string;
  readonly featureCompatibilityVersion?: string;
}

async function versionsOf(stack: Stack): Promise<Versions> {
  return (await stack.read()).status?.['mongodb'] ?? {};
}

async function runs(stack: Stack, ordinal: number): Promise<string> {
  return stack.askMember(ordinal, async (client) => {
    const { version } = await client.db('admin').command({ buildInfo: 1 });
    return String(version).split('.').slice(0, 2).join('.');
  });
}

scenario(
  'MongoDB goes from 4.4 over 5.0 to 6.0 while people write',
  { minutes: 20, suite: 'full', alone: true },
  async (world) => {
    const images = await ensureOlderMongod();
    await loadImages(Object.values(images));
    await using chart = await installedChart();
    await chart.upgrade({ mongodb: { defaultVersion: '6.0', images } });

    const { causes } = await underLoad(
      world,
      { members: 3, spec: { mongodb: { version: '4.4' } } },
      async ({ stack, becomesHealthy }) => {
        expect(await runs(stack, 0)).toBe('4.4');
        await expect(stack.patch({ mongodb: { version: '6.0' } })).rejects.toThrow('one major version at a time');

        for (const version of ['5.0', '6.0']) {
          await stack.patch({ mongodb: { version } });
          await eventually(
            async () =>
              expect(await versionsOf(stack)).toEqual(
                expect.objectContaining({ version, featureCompatibilityVersion: version }),
              ),
            { within: 300 },
          );
          for (const ordinal of [0, 1, 2]) expect(await runs(stack, ordinal)).toBe(version);
          await becomesHealthy();
        }

        await stack.patch({ mongodb: { version: '5.0' } });
        const refused = await stack.becomes('DatabaseReady=True/VersionRefused', { within: 30 });
        expect(refused.message).toContain('feature compatibility version 6.0, on which MongoDB 5.0 does not start');
        for (const ordinal of [0, 1, 2]) expect(await runs(stack, ordinal)).toBe('6.0');
      },
    );
    expect(causes).toEqual([]);
  },
);
