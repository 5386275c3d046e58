import type { Lifetimes, RevokedKey } from '../stored/jwks.ts';
import type { ActiveKey, Key, NextKey, RetiringKey, Wrapping } from '../stored/key-ring.ts';
import type { KeysObservation } from './types.ts';

/** An observation whose ring exists, its keys by phase. */
export interface Ring extends KeysObservation {
  readonly resourceVersion: string;
  /** Of the ring itself, by which pods know which one is newer. */
  readonly version: number;
  readonly keys: readonly Key[];
  readonly lifetimes: Lifetimes;
  /** Those of the ring; `<stack>-jwks` may know of more. */
  readonly revoked: readonly RevokedKey[];
  /** Undefined: its private halves are plain. */
  readonly wrapping: Wrapping | undefined;
  readonly active: ActiveKey | undefined;
  readonly next: NextKey | undefined;
  readonly retiring: readonly RetiringKey[];
}

export function ringOf(seen: KeysObservation): Ring | undefined {
  if (seen.ring.state !== 'value') return undefined;
  const { value, resourceVersion } = seen.ring;
  const { keys, lifetimes, revoked, version, wrapping } = value;
  return {
    ...seen,
    resourceVersion,
    version,
    wrapping,
    keys,
    lifetimes,
    revoked,
    active: keys.find((key) => key.phase === 'active'),
    next: keys.find((key) => key.phase === 'next'),
    retiring: keys.filter((key) => key.phase === 'retiring'),
  };
}
