import { expect } from '@jest/globals';
import { SLOWNESS } from './eventually.ts';
import { Oracle } from './oracle.ts';
import type { Verdict } from './oracle.ts';
import type { World } from './world.ts';
import type { Stack, StackOptions } from './stack.ts';

/** The promise after a primary died, in milliseconds, on a machine of the promised size. */
const WRITABLE_WITHIN = 10_000;

export interface Loaded {
  readonly stack: Stack;
  readonly oracle: Oracle;
  /** Every member serves again, seconds. */
  readonly becomesWhole: (within?: number) => Promise<void>;
}

/**
 * Lets a client write and read all the while, and holds the database to its word: what was acknowledged is there, now and
 * at the end, and there was no longer gap than `gap` times the promise for one lost primary.
 */
export async function underLoad(
  world: World,
  { gap = 1, ...options }: StackOptions & { readonly gap?: number },
  happens: (loaded: Loaded) => Promise<void>,
): Promise<Verdict> {
  const stack = await world.createStack({ replicas: 1, ...options });
  await stack.becomes('DatabaseReady=True/AllMembersHealthy', { within: 120 });
  await using oracle = await Oracle.watch(stack);
  const becomesWhole = async (within = 60): Promise<void> => {
    await stack.becomes('DatabaseReady=True/AllMembersHealthy', { within });
  };
  await happens({ stack, oracle, becomesWhole });
  const verdict = await oracle.end();
  process.stderr.write(`    ${JSON.stringify(verdict)}\n`);
  expect(verdict.lost).toEqual([]);
  expect(verdict.acknowledged).toBeGreaterThan(50);
  expect(verdict.longestGap).toBeLessThan(gap * WRITABLE_WITHIN * SLOWNESS);
  return verdict;
}
