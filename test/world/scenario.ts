import { test } from '@jest/globals';
import { SLOWNESS } from './eventually.ts';
import { World } from './world.ts';

/**
 * When a scenario runs. `core`: one scenario for each guarantee, in `make e2e`. `full`: every fault that the database is
 * promised to survive, in `make e2e-full` only. `audit`: looks back on what the others did, so it runs at the end of either.
 */
export type Suite = 'core' | 'full' | 'audit';

export interface Schedule {
  /** The longest it may take before it counts as hung, in minutes, on a machine of the promised size. */
  readonly minutes: number;
  readonly suite: Suite;
  /** It disturbs what others rely on (a node, the operator, the chart), so no other scenario runs beside it. */
  readonly alone?: boolean;
}

export interface Declaration extends Schedule {
  readonly name: string;
}

/** The scenarios of the files imported so far; `test/e2e/run.ts` reads it to know what runs when. */
export const declarations: Declaration[] = [];

/** One guarantee, shown on the cluster. When it fails, `artifacts/` holds what the cluster looked like. */
export function scenario(name: string, schedule: Schedule, act: (world: World) => Promise<void>): void {
  declarations.push({ name, ...schedule });
  test(
    name,
    async () => {
      const world = new World(name);
      try {
        await act(world);
      } catch (error) {
        const folder = await world.explain(name);
        throw new Error(`${String(error)}\nwhat the cluster looked like: ${folder}`, { cause: error });
      } finally {
        await world.clear();
      }
    },
    schedule.minutes * SLOWNESS * 60_000,
  );
}
