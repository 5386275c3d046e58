import { MountUnusable } from './errors.ts';

/** In seconds. No clocks of one cluster differ by more; beyond it, somebody meant milliseconds. */
export const MAX_CLOCK_SKEW = 600;
/** In seconds, where an earlier operator wrote the Secret. */
const WITHOUT_PROMISE = 10;

/** The stack's `propagation.clockSkew` in seconds, as the mounted Secret carries it; undefined: it is of an older operator. */
export function parseClockSkew(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text.trim())) throw new MountUnusable('clock-skew-seconds is not a whole number of seconds');
  return Number(text);
}

/**
 * How far clocks may differ, in seconds. Up to the stack's promise: its tokens may be dated that far ahead, and it keeps
 * their keys for that long after their expiry. The option of the service may be stricter and never more lenient.
 */
export function clockSkewWithin(promised: number | undefined, option: number | undefined): number {
  if (promised === undefined) return option ?? WITHOUT_PROMISE;
  return Math.min(promised, option ?? promised, MAX_CLOCK_SKEW);
}
