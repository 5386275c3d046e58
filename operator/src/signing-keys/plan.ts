import { namesOf, namespaceOf } from '../api/names.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import type { ConditionStatus, Millis } from '../runtime/objects.ts';
import type { Plan, Stalled } from '../planning.ts';
import type { ReportedEvent } from '../runtime/reconciler.ts';
import { isDueAt, leadEndsAt, mayActivateAt, mayForgetAt } from './horizons.ts';
import { publishedKeys } from './publication.ts';
import { keysStatus } from './report.ts';
import type { KeysStatus } from './report.ts';
import { ringOf } from './seen-ring.ts';
import type { Ring } from './seen-ring.ts';
import type {
  ActiveKey,
  Key,
  KeysObservation,
  KeysReadyReason,
  Lifetimes,
  NextKey,
  RingEdit,
  SigningKeysAction,
} from './types.ts';

export type KeysPlan = Plan<SigningKeysAction, KeysStatus>;

/** How long a rotation may be held by copies that lag before the stack counts as stalled. */
export const PATIENCE: Millis = 10 * 60_000;
/** A Secret that is not ours is not watched. */
const FOREIGN_RECHECK: Millis = 15_000;
/** Only a net: the watch brings our own writes sooner. */
const WRITTEN_RECHECK: Millis = 1_000;

interface Verdict {
  readonly status: ConditionStatus;
  readonly reason: KeysReadyReason;
  readonly message: string;
  readonly actions?: readonly SigningKeysAction[];
  readonly events?: readonly ReportedEvent[];
  readonly recheckAt?: Millis;
  /** Nothing here moves by itself: a human is needed. */
  readonly stalls?: true;
}

/** Without a ring: never touch what is not ours, never guess what cannot be read, then make the first keys. */
const ringlessRules: readonly ((seen: KeysObservation) => Verdict | undefined)[] = [
  aSecretIsNotOurs,
  theRingCannotBeRead,
  theRingIsLost,
];

/**
 * The first rule that answers wins, so the order is the policy: first be able to sign, then be able to switch, then
 * know how long tokens live, then forget, and only then wait.
 */
const ringRules: readonly ((ring: Ring) => Verdict | undefined)[] = [
  aSecretIsNotOurs,
  aStoredTimeLiesAhead,
  noKeyIsPublishedAhead,
  noKeySigns,
  lifetimesChanged,
  aRetiredKeyCanBeForgotten,
  theNextKeyIsOfAnotherAlgorithm,
  theDistributionChanged,
  theActiveKeyIsDue,
];

export function planSigningKeys(seen: KeysObservation): KeysPlan {
  const ring = ringOf(seen);
  if (!ring) return planned(seen, firstOf(ringlessRules, seen) ?? foundRing(seen), {});
  const { actions = [], ...verdict } = firstOf(ringRules, ring) ?? upToDate;
  const deadlines = deadlinesOf(ring).filter((at) => at > ring.now);
  const recheckAt = Math.min(verdict.recheckAt ?? Infinity, ...deadlines);
  const published = ring.jwks.state === 'foreign' ? [] : publishedKeys(ring);
  return {
    ...planned(ring, { ...verdict, actions, recheckAt }, keysStatus(ring)),
    actions: [...published, ...actions],
  };
}

function planned({ now }: KeysObservation, verdict: Verdict, status: KeysStatus): KeysPlan {
  const { reason, message, actions = [], events, stalls } = verdict;
  // After a change the watch brings the next pass; a deadline is nobody's change.
  const recheckAt = Math.min(verdict.recheckAt ?? Infinity, actions.length > 0 ? now + WRITTEN_RECHECK : Infinity);
  const stalled: Stalled = { reason, message };
  return {
    actions,
    conditions: [{ type: 'KeysReady', status: verdict.status, reason, message }],
    status,
    ...(Number.isFinite(recheckAt) && { recheckAt }),
    ...(events && { events }),
    ...(stalls && { stalled }),
  };
}

const upToDate: Verdict = { status: 'True', reason: 'UpToDate', message: 'one key signs, its successor is published' };

function firstOf<Seen>(rules: readonly ((seen: Seen) => Verdict | undefined)[], seen: Seen): Verdict | undefined {
  for (const rule of rules) {
    const verdict = rule(seen);
    if (verdict) return verdict;
  }
  return undefined;
}

function aSecretIsNotOurs({ stack, ring, jwks, now }: KeysObservation): Verdict | undefined {
  if (ring.state !== 'foreign' && jwks.state !== 'foreign') return undefined;
  const names = namesOf(stack.metadata.name);
  const name = ring.state === 'foreign' ? names.signingKeys : names.jwks;
  return {
    status: 'False',
    reason: 'SecretNotOwned',
    message:
      `Secret ${name} exists and was not made by the operator; it is left alone. Rename or delete it: ` +
      `kubectl -n ${namespaceOf(stack)} get secret ${name} --show-labels`,
    recheckAt: now + FOREIGN_RECHECK,
    stalls: true,
  };
}

function theRingCannotBeRead({ stack, ring }: KeysObservation): Verdict | undefined {
  if (ring.state !== 'malformed') return undefined;
  const { signingKeys } = namesOf(stack.metadata.name);
  return {
    status: 'False',
    reason: 'SecretMalformed',
    message:
      `Secret ${signingKeys} cannot be read (${ring.why}) and is left as it is; restore it from a backup, or ` +
      `delete it to begin with new keys: kubectl -n ${namespaceOf(stack)} delete secret ${signingKeys}`,
    stalls: true,
  };
}

function theRingIsLost(seen: KeysObservation): Verdict | undefined {
  const { stack, jwks, policy, authServiceRunsSince } = seen;
  if (jwks.state !== 'present' || jwks.keys.length === 0) return undefined;
  const names = namesOf(stack.metadata.name);
  const message =
    `Secret ${names.signingKeys} is gone; new keys are made, and the public halves in Secret ${names.jwks} stay ` +
    `published until the tokens they signed have expired`;
  const create: SigningKeysAction = {
    type: 'createRing',
    stack,
    algorithm: policy.algorithm,
    lifetimes: jwks.lifetimes ?? lifetimesOf(seen),
    // Pods that run sign on from memory, so the new key can wait until everybody knows it.
    first: authServiceRunsSince.length > 0 ? 'next' : 'active',
    remembered: jwks.keys,
  };
  const events: ReportedEvent[] = [{ type: 'Warning', reason: 'SigningKeysLost', message }];
  return { status: 'False', reason: 'SigningKeysLost', message, actions: [create], events };
}

function foundRing(seen: KeysObservation): Verdict {
  const { stack, policy } = seen;
  const create = { type: 'createRing', stack, algorithm: policy.algorithm, first: 'active', remembered: [] } as const;
  return {
    status: 'False',
    reason: 'CreatingKeys',
    message: 'the first signing keys are made',
    actions: [{ ...create, lifetimes: lifetimesOf(seen) }],
  };
}

function lifetimesOf({ policy: { accessTokenTtl, jwksMaxAge } }: KeysObservation): Lifetimes {
  return { accessTokenTtl, jwksMaxAge, longerTokensEndAt: 0, longerCachesEndAt: 0 };
}

/** Time went back, or the clock that wrote them was ahead: no step that counts from such a time is safe. */
function aStoredTimeLiesAhead({ now, keys, policy, stack }: Ring): Verdict | undefined {
  const latest = Math.max(...keys.flatMap((key) => timesOf(key)));
  const waitsUntil = latest - policy.clockSkew;
  if (now >= waitsUntil) return undefined;
  return {
    status: 'False',
    reason: 'ClockSkew',
    message:
      `Secret ${namesOf(stack.metadata.name).signingKeys} holds the time ${rfc3339(latest)}, but the operator's clock says ` +
      `${rfc3339(now)}; the active key signs on. Check the clocks of the nodes (timedatectl)`,
    recheckAt: waitsUntil,
  };
}

function timesOf(key: Key): readonly Millis[] {
  switch (key.phase) {
    case 'next':
      return [key.publishedAt, key.distributedAt ?? 0];
    case 'active':
      return [key.publishedAt, key.activatedAt];
    case 'retiring':
      return [key.publishedAt, key.retiredAt];
  }
}

function noKeyIsPublishedAhead(ring: Ring): Verdict | undefined {
  if (ring.next) return undefined;
  const { algorithm } = ring.policy;
  return editing(ring, { type: 'publishNext', algorithm }, 'a successor is published');
}

/** Only after the ring was lost: pods that have an old key in memory sign on until everybody can know the new one. */
function noKeySigns(ring: Ring): Verdict | undefined {
  const { active, next, now, authServiceRunsSince } = ring;
  if (active || !next) return undefined;
  const at = mayActivateAt(next, ring) ?? leadEndsAt(next, ring);
  const signsFromMemory = authServiceRunsSince.some((since) => since < next.publishedAt);
  if (!signsFromMemory || now >= at) return promoting(ring, next, 'no key was signing');
  return (
    theDistributionChanged(ring) ?? {
      status: 'False',
      reason: 'SigningKeysLost',
      message: `the signing keys were lost; the auth service signs from memory until ${rfc3339(at)}, when the new key is known everywhere`,
      recheckAt: at,
    }
  );
}

function lifetimesChanged(ring: Ring): Verdict | undefined {
  const { lifetimes, policy } = ring;
  const { accessTokenTtl, jwksMaxAge } = policy;
  if (accessTokenTtl === lifetimes.accessTokenTtl && jwksMaxAge === lifetimes.jwksMaxAge) return undefined;
  const message = 'how long tokens live or key sets are cached changed; keys stay for what was handed out before';
  return editing(ring, { type: 'noteLifetimes', accessTokenTtl, jwksMaxAge }, message);
}

function aRetiredKeyCanBeForgotten(ring: Ring): Verdict | undefined {
  const kids = ring.retiring.filter((key) => ring.now >= mayForgetAt(key, ring)).map(({ kid }) => kid);
  if (kids.length === 0) return undefined;
  return editing(ring, { type: 'forget', kids }, `every token signed by ${kids.join(', ')} has expired`);
}

/** It never signed, so it can be replaced at once; its replacement has its own lead. */
function theNextKeyIsOfAnotherAlgorithm(ring: Ring): Verdict | undefined {
  const { next, policy } = ring;
  if (!next || next.algorithm === policy.algorithm) return undefined;
  const message = `the successor becomes ${policy.algorithm}, as spec.signingKeys.algorithm says`;
  return editing(ring, { type: 'publishNext', algorithm: policy.algorithm }, message);
}

function theDistributionChanged(ring: Ring): Verdict | undefined {
  const { next } = ring;
  if (!next) return undefined;
  const { kid, distributedAt } = next;
  const isEverywhere = lacking(ring, next).length === 0;
  if (isEverywhere === (distributedAt !== undefined)) return undefined;
  return isEverywhere
    ? editing(ring, { type: 'noteDistributed', kid }, `every copy holds ${kid}`)
    : editing(ring, { type: 'noteUndistributed', kid }, `a copy lacks ${kid}`);
}

function theActiveKeyIsDue(ring: Ring): Verdict | undefined {
  const { active, next, now } = ring;
  if (!active || !next || now < isDueAt(active, ring)) return undefined;
  const behind = lacking(ring, next);
  // Before the lead is over nobody waits for the copies.
  if (behind.length > 0 && now >= leadEndsAt(next, ring)) return blocked(ring, { active, next, behind });
  const at = mayActivateAt(next, ring);
  if (at === undefined || now < at) {
    return {
      status: 'True',
      reason: 'RotationDelayed',
      message: `${active.kid} is due and signs on; caches and mounts may lack ${next.kid} until ${rfc3339(at ?? leadEndsAt(next, ring))}`,
    };
  }
  return promoting(ring, next, `${active.kid} is due`);
}

interface Blocked {
  readonly active: ActiveKey;
  readonly next: NextKey;
  readonly behind: readonly string[];
}

function blocked(ring: Ring, { active, next, behind }: Blocked): Verdict {
  const [namespace = '', name = ''] = behind[0]?.split('/') ?? [];
  const more = behind.length > 3 ? ` and ${behind.length - 3} more` : '';
  const patienceEndsAt = Math.max(isDueAt(active, ring), leadEndsAt(next, ring)) + PATIENCE;
  return {
    status: 'False',
    reason: 'RotationBlocked',
    message:
      `${behind.slice(0, 3).join(', ')}${more} cannot verify ${next.kid} yet, so ${active.kid} signs on: ` +
      `kubectl -n ${namespace} describe authconsumer ${name}`,
    ...(ring.now >= patienceEndsAt ? { stalls: true } : { recheckAt: patienceEndsAt }),
  };
}

function lacking({ copies }: KeysObservation, { kid }: NextKey): readonly string[] {
  const behind = copies.filter(({ kids }) => !kids.has(kid)).map(({ consumer }) => consumer);
  return [...new Set(behind)].sort((a, b) => a.localeCompare(b));
}

function promoting(ring: Ring, { kid }: NextKey, why: string): Verdict {
  const edit = { type: 'promote', kid, algorithm: ring.policy.algorithm } as const;
  const message = `${kid} signs from now on: ${why}`;
  return { ...editing(ring, edit, message), events: [{ type: 'Normal', reason: 'KeyPromoted', message }] };
}

function editing({ stack, resourceVersion, active }: Ring, edit: RingEdit, message: string): Verdict {
  return {
    status: active ? 'True' : 'False',
    reason: active ? 'UpToDate' : 'CreatingKeys',
    message,
    actions: [{ type: 'editRing', stack, resourceVersion, edit }],
  };
}

/** What comes by itself. */
function deadlinesOf(ring: Ring): readonly Millis[] {
  const { active, next, retiring } = ring;
  return [
    ...(active ? [isDueAt(active, ring)] : []),
    ...(next ? [leadEndsAt(next, ring), mayActivateAt(next, ring) ?? 0] : []),
    ...retiring.map((key) => mayForgetAt(key, ring)),
  ];
}
