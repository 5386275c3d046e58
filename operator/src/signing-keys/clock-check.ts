import { rfc3339 } from '../runtime/conditions.ts';
import type { Millis } from '../runtime/objects.ts';
import { certainOffset } from '../runtime/server-clock.ts';
import type { Lifetimes } from '../stored/jwks.ts';
import type { KeysObservation, KeysVerdict, SigningKeysAction } from './types.ts';

/*
 * Every deadline counts from a time that the operator wrote, maybe another one on another node, and is judged by the operator's
 * clock of today. If neither is off by more than half of clockSkew, both together are not off by more than clockSkew, which is
 * what the deadlines have to spare.
 */

/**
 * A step that is due by a wrong clock comes too early, and the time that it notes stays wrong when the clock is right again. So
 * none is done, the creation of the first keys included; only what takes a stolen key away does not wait.
 */
export function unlessClocksDiffer<V extends KeysVerdict>(seen: KeysObservation, verdict: V): V {
  const { policy, stack } = seen;
  const difference = differenceOf(seen);
  const waits = (verdict.actions ?? []).some((action) => notesATime(action, seen));
  if (!waits || Math.abs(difference) <= policy.clockSkew / 2) return verdict;
  const { clockSkew } = stack.spec.signingKeys.propagation;
  return {
    ...verdict,
    status: 'False',
    reason: 'ClockSkew',
    actions: [],
    message:
      `${bothClocks(seen, difference)} They differ by ${seconds(difference)}, and more than ${seconds(policy.clockSkew / 2)} (half of ` +
      `spec.signingKeys.propagation.clockSkew, ${clockSkew}) is too much to count times by, so no key is created, promoted or removed. ` +
      `What signs and verifies goes on. Compare the clocks of the operator's node and of the API server's: timedatectl. ` +
      `Pending: ${verdict.message}`,
  };
}

/** For a message; undefined while the API server's clock is not known. */
export function whatTheServerSays(seen: KeysObservation): string | undefined {
  return seen.clockOffset && bothClocks(seen, differenceOf(seen));
}

/** How far the API server's clock is ahead, as far as that is certain: the header of its answers has whole seconds. */
function differenceOf({ clockOffset }: KeysObservation): Millis {
  return clockOffset ? certainOffset(clockOffset) : 0;
}

function bothClocks({ now }: KeysObservation, difference: Millis): string {
  return `The operator's clock says ${rfc3339(now)}, the API server's ${rfc3339(now + difference)}.`;
}

function notesATime(action: SigningKeysAction, { ring }: KeysObservation): boolean {
  if (action.type === 'createRing') return action.revocation === undefined;
  if (action.type !== 'editRing' || action.edit.type === 'revoke' || action.edit.type === 'rewrap') return false;
  return action.edit.type !== 'noteLifetimes' || shortens(action.edit, ring);
}

/** Only then it is noted until when what was issued before lives. */
function shortens(
  { accessTokenTtl, jwksMaxAge }: Pick<Lifetimes, 'accessTokenTtl' | 'jwksMaxAge'>,
  ring: KeysObservation['ring'],
): boolean {
  const noted = ring.state === 'value' ? ring.value.lifetimes : undefined;
  return accessTokenTtl < (noted?.accessTokenTtl ?? 0) || jwksMaxAge < (noted?.jwksMaxAge ?? 0);
}

function seconds(time: Millis): string {
  return `${Math.floor(Math.abs(time) / 100) / 10} s`;
}
