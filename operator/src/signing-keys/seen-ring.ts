import type { ActiveKey, Key, KeysObservation, Lifetimes, NextKey, RetiringKey } from './types.ts';

/** An observation whose ring is there, sorted by what its keys are for. */
export interface Ring extends KeysObservation {
  readonly resourceVersion: string;
  readonly keys: readonly Key[];
  readonly lifetimes: Lifetimes;
  readonly active: ActiveKey | undefined;
  readonly next: NextKey | undefined;
  readonly retiring: readonly RetiringKey[];
}

export function ringOf(seen: KeysObservation): Ring | undefined {
  if (seen.ring.state !== 'present') return undefined;
  const { keys, resourceVersion, lifetimes } = seen.ring;
  return {
    ...seen,
    resourceVersion,
    keys,
    lifetimes,
    active: keys.find((key) => key.phase === 'active'),
    next: keys.find((key) => key.phase === 'next'),
    retiring: keys.filter((key) => key.phase === 'retiring'),
  };
}
