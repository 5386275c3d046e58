import { namesOf, namespaceOf } from '../api/names.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import type { ConditionStatus, Millis } from '../runtime/objects.ts';
import type { Plan, ReportedEvent } from '../runtime/reconciler.ts';
import { isDueAt, mayActivateAt, mayForgetAt } from './horizons.ts';
import { publishedKeys } from './publication.ts';
import type {
  ActiveKey,
  Key,
  KeysObservation,
  KeysReadyReason,
  KeysStatus,
  NextKey,
  RetiringKey,
  RingEdit,
  SigningKeysAction,
} from './types.ts';

export type KeysPlan = Plan<SigningKeysAction, KeysStatus>;

interface Verdict {
  readonly status: ConditionStatus;
  readonly reason: KeysReadyReason;
  readonly message: string;
  readonly actions?: readonly SigningKeysAction[];
  readonly events?: readonly ReportedEvent[];
}

/** The ring, sorted by what its keys are for. */
interface Ring extends KeysObservation {
  readonly resourceVersion: string;
  readonly keys: readonly Key[];
  readonly active: ActiveKey | undefined;
  readonly next: NextKey | undefined;
  readonly retiring: readonly RetiringKey[];
}

/**
 * The first rule that answers wins, so the order is the policy: first be able to sign, then be able to switch, then
 * know how long tokens live, then forget, and only then wait.
 */
const ringRules: readonly ((ring: Ring) => Verdict | undefined)[] = [
  aStoredTimeLiesAhead,
  noKeyIsPublishedAhead,
  noKeySigns,
  tokensLiveLonger,
  aRetiredKeyCanBeForgotten,
  theNextKeyIsOfAnotherAlgorithm,
  theDistributionChanged,
  theActiveKeyIsDue,
];

export function planSigningKeys(seen: KeysObservation): KeysPlan {
  const ring = ringOf(seen);
  const verdict = ring ? ringVerdict(ring) : ringlessVerdict(seen);
  const { status, reason, message, actions = [], events } = verdict;
  return {
    actions: [...(ring ? publishedKeys(ring) : []), ...actions],
    conditions: [{ type: 'KeysReady', status, reason, message }],
    status: ring ? statusOf(ring) : {},
    ...(ring && recheck(ring, actions.length > 0)),
    ...(events && { events }),
  };
}

function ringVerdict(ring: Ring): Verdict {
  for (const rule of ringRules) {
    const verdict = rule(ring);
    if (verdict) return verdict;
  }
  return { status: 'True', reason: 'UpToDate', message: 'one key signs, its successor is published' };
}

function ringOf(seen: KeysObservation): Ring | undefined {
  if (seen.ring.state !== 'present') return undefined;
  const { keys, resourceVersion } = seen.ring;
  const of = <P extends Key['phase']>(phase: P): readonly Extract<Key, { phase: P }>[] =>
    keys.filter((key): key is Extract<Key, { phase: P }> => key.phase === phase);
  const [active] = of('active');
  const [next] = of('next');
  return { ...seen, resourceVersion, keys, active, next, retiring: of('retiring') };
}

function ringlessVerdict(seen: KeysObservation): Verdict {
  const { stack, ring, jwks, now, policy, authServiceRuns } = seen;
  const names = namesOf(stack.metadata.name);
  if (ring.state === 'foreign') return notOwned(seen, names.signingKeys);
  if (jwks.state === 'foreign') return notOwned(seen, names.jwks);
  if (ring.state === 'malformed') {
    return {
      status: 'False',
      reason: 'SecretMalformed',
      message:
        `Secret ${names.signingKeys} cannot be read (${ring.why}) and is left as it is; restore it from a backup, or ` +
        `delete it to begin with new keys: kubectl -n ${namespaceOf(stack)} delete secret ${names.signingKeys}`,
    };
  }
  const remembered = jwks.state === 'present' ? jwks.keys : [];
  const isLost = remembered.length > 0;
  const create: SigningKeysAction = {
    type: 'createRing',
    stack,
    algorithm: policy.algorithm,
    at: now,
    ttl: policy.accessTokenTtl,
    // Pods that run sign on from memory, so the new key can wait until everybody knows it.
    activate: !isLost || !authServiceRuns,
    remembered,
  };
  if (!isLost) {
    return { status: 'False', reason: 'CreatingKeys', message: 'the first signing keys are made', actions: [create] };
  }
  const message =
    `Secret ${names.signingKeys} is gone; new keys are made, and the public halves in Secret ${names.jwks} stay ` +
    `published until the tokens they signed have expired`;
  return {
    status: 'False',
    reason: 'SigningKeysLost',
    message,
    actions: [create],
    events: [{ type: 'Warning', reason: 'SigningKeysLost', message }],
  };
}

function notOwned({ stack }: KeysObservation, name: string): Verdict {
  return {
    status: 'False',
    reason: 'SecretNotOwned',
    message:
      `Secret ${name} exists and was not made by the operator; it is left alone. Rename or delete it: ` +
      `kubectl -n ${namespaceOf(stack)} get secret ${name} --show-labels`,
  };
}

/** Time went back, or the clock that wrote them was ahead: no step that counts from such a time is safe. */
function aStoredTimeLiesAhead({ now, keys, policy, stack }: Ring): Verdict | undefined {
  const latest = Math.max(...keys.flatMap((key) => timesOf(key)));
  if (latest <= now + policy.clockSkew) return undefined;
  return {
    status: 'False',
    reason: 'ClockSkew',
    message:
      `Secret ${namesOf(stack.metadata.name).signingKeys} holds the time ${rfc3339(latest)}, but the operator's clock says ` +
      `${rfc3339(now)}; the active key signs on. Check the clocks of the nodes (timedatectl)`,
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
  const { policy, now } = ring;
  return editing(ring, { type: 'publishNext', algorithm: policy.algorithm, at: now }, 'a successor is published');
}

/** Only after the ring was lost: pods sign from memory until everybody can know the new key. */
function noKeySigns(ring: Ring): Verdict | undefined {
  const { active, next, policy, now, authServiceRuns } = ring;
  if (active || !next) return undefined;
  const at =
    mayActivateAt(next, policy) ?? next.publishedAt + policy.volumeRefresh + policy.jwksMaxAge + policy.clockSkew;
  const distributed = theDistributionChanged(ring);
  if (distributed) return distributed;
  if (authServiceRuns && now < at) {
    return {
      status: 'False',
      reason: 'SigningKeysLost',
      message: `the signing keys were lost; the auth service signs from memory until ${rfc3339(at)}, when the new key is known everywhere`,
    };
  }
  return promoting(ring, next, 'no key was signing');
}

function tokensLiveLonger(ring: Ring): Verdict | undefined {
  const { keys, policy } = ring;
  const short = keys.some((key) => key.phase !== 'next' && key.longestTtl < policy.accessTokenTtl);
  if (!short) return undefined;
  const ttl = policy.accessTokenTtl;
  return editing(ring, { type: 'raiseTtl', ttl }, 'tokens live longer now, and so do the keys that verify them');
}

function aRetiredKeyCanBeForgotten(ring: Ring): Verdict | undefined {
  const { retiring, policy, now } = ring;
  const expired = retiring.find((key) => now >= mayForgetAt(key, policy));
  if (!expired) return undefined;
  return editing(ring, { type: 'forget', kid: expired.kid }, `every token signed by ${expired.kid} has expired`);
}

/** It never signed, so it can be replaced at once; its replacement has its own lead. */
function theNextKeyIsOfAnotherAlgorithm(ring: Ring): Verdict | undefined {
  const { next, policy, now } = ring;
  if (!next || next.algorithm === policy.algorithm) return undefined;
  const message = `the successor becomes ${policy.algorithm}, as spec.signingKeys.algorithm says`;
  return editing(ring, { type: 'publishNext', algorithm: policy.algorithm, at: now }, message);
}

function theDistributionChanged(ring: Ring): Verdict | undefined {
  const { next, now } = ring;
  if (!next) return undefined;
  const everywhere = lacking(ring, next).length === 0;
  if (everywhere === (next.distributedAt !== undefined)) return undefined;
  const at = everywhere ? now : undefined;
  const message = everywhere ? `every copy holds ${next.kid}` : `a copy lacks ${next.kid}`;
  return editing(ring, { type: 'noteDistribution', kid: next.kid, at }, message);
}

function theActiveKeyIsDue(ring: Ring): Verdict | undefined {
  const { active, next, policy, now } = ring;
  if (!active || !next || now < isDueAt(active, policy)) return undefined;
  const behind = lacking(ring, next);
  if (behind.length > 0) return blocked(active, next, behind);
  const at = mayActivateAt(next, policy);
  if (at === undefined || now < at) {
    const until = at === undefined ? '' : ` until ${rfc3339(at)}`;
    return {
      status: 'True',
      reason: 'RotationDelayed',
      message: `${active.kid} reached its age; caches and mounts may lack ${next.kid}${until}`,
    };
  }
  return promoting(ring, next, `${active.kid} reached its age`);
}

function blocked(active: ActiveKey, next: NextKey, behind: readonly string[]): Verdict {
  const [first = ''] = behind;
  const [namespace = '', name = ''] = first.split('/');
  return {
    status: 'False',
    reason: 'RotationBlocked',
    message:
      `${behind.join(', ')} cannot verify ${next.kid} yet, so ${active.kid} signs on: ` +
      `kubectl -n ${namespace} describe authconsumer ${name}`,
  };
}

function lacking({ copies }: KeysObservation, { kid }: NextKey): readonly string[] {
  return copies
    .filter(({ kids }) => !kids.has(kid))
    .map(({ consumer }) => consumer)
    .sort((a, b) => a.localeCompare(b));
}

function promoting(ring: Ring, { kid }: NextKey, why: string): Verdict {
  const { policy, now } = ring;
  const edit = { type: 'promote', kid, algorithm: policy.algorithm, at: now, ttl: policy.accessTokenTtl } as const;
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

/** After a change the watch brings the next pass; a deadline is nobody's change. */
function recheck(ring: Ring, changes: boolean): { recheckAt?: Millis } {
  const { active, next, retiring, policy, now } = ring;
  const deadlines = [
    ...(active ? [isDueAt(active, policy)] : []),
    ...(next ? [mayActivateAt(next, policy) ?? now + 1_000] : []),
    ...retiring.map((key) => mayForgetAt(key, policy)),
  ].filter((at) => at > now);
  const soonest = Math.min(...deadlines, ...(changes ? [now + 1_000] : []));
  return Number.isFinite(soonest) ? { recheckAt: soonest } : {};
}

function statusOf(ring: Ring): KeysStatus {
  const { active, next, retiring, policy } = ring;
  return {
    signingKeys: {
      ...(active && { activeKid: active.kid }),
      ...(next && { nextKid: next.kid }),
      keys: [
        ...(active ? [{ kid: active.kid, state: 'Active', since: rfc3339(active.activatedAt) } as const] : []),
        ...(next ? [{ kid: next.kid, state: 'Published', since: rfc3339(next.publishedAt) } as const] : []),
        ...retiring.map((key) => ({
          kid: key.kid,
          state: 'Retiring' as const,
          since: rfc3339(key.retiredAt),
          until: rfc3339(mayForgetAt(key, policy)),
        })),
      ],
      ...(active && {
        lastRotationTime: rfc3339(active.activatedAt),
        nextRotationTime: rfc3339(isDueAt(active, policy)),
      }),
    },
  };
}
