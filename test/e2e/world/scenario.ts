import { test } from '@jest/globals';
import { SLOWNESS } from './eventually.ts';
import { World } from './world.ts';

export interface ScenarioOptions {
  /** The longest it may take before it counts as hung, in minutes, on a machine of the promised size. */
  readonly minutes: number;
}

/** One guarantee, shown on the cluster. When it fails, `artifacts/` tells what the cluster looked like. */
export function scenario(name: string, { minutes }: ScenarioOptions, story: (world: World) => Promise<void>): void {
  test(
    name,
    async () => {
      const world = new World();
      try {
        await story(world);
      } catch (error) {
        const folder = await world.explain(name);
        throw new Error(`${String(error)}\nwhat the cluster looked like: ${folder}`, { cause: error });
      } finally {
        await world.clear();
      }
    },
    minutes * SLOWNESS * 60_000,
  );
}
