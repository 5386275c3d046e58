import { firstAnswer, planOf } from '../planning.ts';
import type { Plan, Rule } from '../planning.ts';
import type { Millis } from '../runtime/objects.ts';
import { unlessClocksDiffer } from './clock-check.ts';
import { isDueAt, leadEndsAt, mayActivateAt, mayForgetAt, mountsAreFreshAt, verifiersCountFrom } from './horizons.ts';
import { aPodMaySignWithARetiredKey, startingPodsAskedAt, theSignersChanged } from './pods.ts';
import { publish } from './publication.ts';
import { keysStatus } from './report.ts';
import type { KeysStatus } from './report.ts';
import {
  aKeyIsToBeRevoked,
  aRevocationIsUnpublished,
  namingRefused,
  namingRevoked,
  podsDoNotKnowWhatIsRevoked,
  revokes,
  takesAway,
} from './revocation.ts';
import { ringOf } from './ring.ts';
import type { Ring } from './ring.ts';
import { theActiveKeyIsDue, theDistributionChanged, theNamedKeyIsNone, thePromotionIsForced } from './rotation.ts';
import { podsLackTheWrappingKey, theWrappingChanges } from './rewrapping.ts';
import { namingCookieTooLarge } from './token-size.ts';
import type { KeysObservation, KeysVerdict, SigningKeysAction } from './types.ts';
import { theAcknowledgementChanged } from './verifiers.ts';
import {
  aLifetimeGrew,
  aLifetimeShrank,
  aRetiredKeyCanBeForgotten,
  aStoredTimeLiesAhead,
  noKeyIsPublishedAhead,
  noKeySigns,
  theNextKeyIsOfAnotherAlgorithm,
} from './upkeep.ts';
import {
  aSecretIsNotOurs,
  createFirstKeys,
  theImportedKeyIsMissing,
  theImportedKeyIsRefused,
  theRingCannotBeRead,
  theRingIsLost,
} from './without-ring.ts';
import { WRAPPING_KEYS_SEEN, concernsWrapping, unlessItCannotBeWrapped } from './wrapping.ts';

/*
 * The key ring, Secret <stack>-signing-keys:
 *
 *      publishNext            promote                     promote                    forget
 *   ─────────────────► next ─────────────► active ────────────────────► retiring ───────────► gone
 *                       │  published,        │  signs                     │  its tokens are
 *                       │  does not sign     │                            │  still accepted
 *                       ▼                    ▼                            ▼
 *   Secret <stack>-jwks holds the public half of all three, and every consumer's copy holds <stack>-jwks
 *
 *   may promote:  the active key is due
 *                 and publishedAt   + volumeRefresh + jwksMaxAge + clockSkew is over       (whoever polls the key set)
 *                 and distributedAt + volumeRefresh + clockSkew is over                    (whoever mounts a copy)
 *                 and every auth pod reports that it has it
 *                 and since acknowledgedAt + RECONNECTED + clockSkew no service that is connected, or vanished within maxWait, lacks it
 *   may forget:   retiredAt + volumeRefresh + accessTokenTTL + clockSkew is over
 *                 and signersGoneAt + accessTokenTTL + clockSkew is over, and no auth pod signs with it
 *
 *   revoke takes a key out of any phase at once: the annotation asks, `revoked` of the ring and of <stack>-jwks remembers, and
 *   where no other key signs, the next one does without waiting
 *
 *   every private half is stored alike, plain or wrapped with a key of the owner's: wrapping.ts
 *
 *   while the clocks of operator and API server differ too much nothing else is done
 *
 * There is at most one active and one next key. Every edit is one write, bound to the version of the ring that the plan
 * saw, and every time in it is stored, so a crash between two writes changes nothing.
 */

export type KeysPlan = Plan<SigningKeysAction, KeysStatus>;

/** Without a ring: never touch what is not ours, never guess what cannot be read, then create the first keys. */
const ringlessRules: readonly Rule<KeysObservation, KeysVerdict>[] = [
  aSecretIsNotOurs,
  theRingCannotBeRead,
  theRingIsLost,
  theImportedKeyIsMissing,
  theImportedKeyIsRefused,
];

/** First take away what was stolen, then know how long tokens live, then be able to sign, then be able to switch, then forget, and only then wait. */
const ringRules: readonly Rule<Ring, KeysVerdict>[] = [
  aKeyIsToBeRevoked,
  podsDoNotKnowWhatIsRevoked,
  aLifetimeGrew,
  aSecretIsNotOurs,
  theWrappingChanges,
  aStoredTimeLiesAhead,
  noKeyIsPublishedAhead,
  noKeySigns,
  aLifetimeShrank,
  theSignersChanged,
  aRetiredKeyCanBeForgotten,
  thePromotionIsForced,
  theNextKeyIsOfAnotherAlgorithm,
  theDistributionChanged,
  theAcknowledgementChanged,
  theActiveKeyIsDue,
  podsLackTheWrappingKey,
  aPodMaySignWithARetiredKey,
  theNamedKeyIsNone,
];

export function planSigningKeys(seen: KeysObservation): KeysPlan {
  const { stack, now } = seen;
  const ring = ringOf(seen);
  const verdict = ring ? { ...ofRing(ring), deadlines: deadlinesOf(ring) } : { ...withoutRing(seen), deadlines: [] };
  const status: KeysStatus = ring ? keysStatus(ring) : { signingKeys: undefined };
  const allowed = unlessClocksDiffer(seen, stack.spec.suspend ? whileSuspended(verdict) : verdict);
  const plan = planOf(recheckedInTime(allowed, now), {
    ...{ stack, now, type: 'KeysReady', status },
  });
  return ring && publishes(ring, verdict) ? { ...plan, actions: [publish(ring), ...plan.actions] } : plan;
}

function ofRing(ring: Ring): KeysVerdict {
  const verdict = unlessItCannotBeWrapped(ring, firstAnswer(ringRules, ring) ?? upToDate);
  return namingRefused(ring, namingRevoked(ring, namingCookieTooLarge(ring, verdict)));
}

function withoutRing(seen: KeysObservation): KeysVerdict {
  return unlessItCannotBeWrapped(seen, firstAnswer(ringlessRules, seen) ?? createFirstKeys(seen));
}

function publishes(ring: Ring, verdict: KeysVerdict): boolean {
  // Stored first: the ring as it was seen still holds the key that goes.
  if (ring.jwks.state === 'foreign' || revokes(verdict)) return false;
  return !ring.stack.spec.suspend || aRevocationIsUnpublished(ring);
}

const upToDate: KeysVerdict = {
  status: 'True',
  reason: 'UpToDate',
  message: 'One key signs, and the next key is published',
};

/** Only a net: the watch brings our own writes sooner. */
const WRITTEN_RECHECK: Millis = 1_000;

interface WithDeadlines extends KeysVerdict {
  /** What no change announces. */
  readonly deadlines: readonly Millis[];
}

function recheckedInTime({ deadlines, ...verdict }: WithDeadlines, now: Millis): KeysVerdict {
  const times = [
    ...deadlines.filter((at) => at > now),
    ...(verdict.recheckAt === undefined ? [] : [verdict.recheckAt]),
    ...((verdict.actions ?? []).length === 0 ? [] : [now + WRITTEN_RECHECK]),
  ];
  return times.length === 0 ? verdict : { ...verdict, recheckAt: Math.min(...times) };
}

/** Nothing is done but to take a stolen key away, so nothing is announced, and no pass is asked for to follow it up. */
function whileSuspended(verdict: WithDeadlines): WithDeadlines {
  const { actions = [], message, status, reason } = verdict;
  if (actions.length === 0 || takesAway(verdict)) return verdict;
  return {
    ...verdict,
    actions: [],
    reason: status === 'True' ? 'RotationSuspended' : reason,
    message: `spec.suspend is true, so the operator does not change the keys. Pending: ${message}`,
    stalls: 'never',
  };
}

function deadlinesOf(ring: Ring): readonly Millis[] {
  const { active, next, retiring } = ring;
  const lookAgain = concernsWrapping(ring) && !ring.stack.spec.suspend ? [ring.now + WRAPPING_KEYS_SEEN] : [];
  return [
    ...lookAgain,
    ...(active ? [isDueAt(active, ring)] : []),
    ...(next ? [leadEndsAt(next, ring), mayActivateAt(next, ring) ?? 0] : []),
    ...(active && next ? [verifiersCountFrom({ active, next }, ring) ?? 0] : []),
    ...ring.revoked.flatMap(({ mountsUntil, cachesUntil }) => [mountsUntil, cachesUntil]),
    ...startingPodsAskedAt(ring),
    ...retiring.map((key) => mayForgetAt(key, ring) ?? mountsAreFreshAt(key, ring)),
  ];
}
