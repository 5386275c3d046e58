import type { Millis } from './clock.ts';

/** A stream that ends sooner counts as one that never began. */
export const STEADY_AFTER: Millis = 5_000;

/** All verifiers of a pod lose their streams together. */
const AT_ONCE: Millis = 100;
const FIRST: Millis = 250;
const LONGEST: Millis = 5_000;

/** How long to wait before the next attempt, after so many that failed in a row; `random` from 0 to 1. */
export function delayAfter(failures: number, random: number): Millis {
  if (failures === 0) return AT_ONCE * random;
  const delay = Math.min(LONGEST, FIRST * 2 ** (failures - 1));
  return (delay / 2) * (1 + random);
}
