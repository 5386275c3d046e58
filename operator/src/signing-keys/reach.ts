import type { AuthStackStatus } from '../api/auth-stack.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Kid, RevokedKey } from '../stored/jwks.ts';
import type { Ring } from './ring.ts';
import type { Copy, KeyHolder } from './types.ts';

/*
 * Who has dropped a revoked key: auth pods as they report themselves, consumers by their Secret and by what their connected
 * instances have confirmed. What has come since never had the key, and counts once it shows otherwise. Counted anew until the
 * bounds have passed, for a cache may be behind, and until nobody is waited for any more.
 */

type Shown = NonNullable<NonNullable<AuthStackStatus['signingKeys']>['revoked']>[number];

export type Reach = Pick<Shown, 'authPods' | 'consumers' | 'reachedTime'>;
type Count = NonNullable<Shown['consumers']>;

const MOST_NAMED = 8;

export function reachOf(key: RevokedKey, ring: Ring): Reach {
  const stored = ring.stack.status?.signingKeys?.revoked?.find(({ kid }) => kid === key.kid);
  if (isOver(key, stored, ring)) return countedBefore(stored);
  const reach = {
    authPods: countOf(
      podsConcerned(key, ring).map(({ name }) => name),
      podsNotReached(key, ring),
    ),
    consumers: countOf(
      copiesConcerned(key, ring).map(({ consumer }) => consumer),
      consumersNotReached(key, ring),
    ),
  };
  const isWaiting = Object.values(reach).some(({ total, reached }) => reached < total);
  return { ...reach, ...(!isWaiting && { reachedTime: stored?.reachedTime ?? rfc3339(ring.now) }) };
}

/** Who is waited for, the first few of each kind: auth pods, and consumers as `namespace/name`. */
export function notReached(key: RevokedKey, ring: Ring): readonly string[] {
  const { authPods, consumers, reachedTime } = reachOf(key, ring);
  if (reachedTime !== undefined) return [];
  return [...(authPods?.waiting ?? []).map((name) => `Pod ${name}`), ...(consumers?.waiting ?? [])];
}

function isOver({ mountsUntil, cachesUntil }: RevokedKey, stored: Reach | undefined, { now }: Ring): boolean {
  // Of one that was over before anybody counted, nobody knows when.
  const wasReached = !stored?.consumers || stored.reachedTime !== undefined;
  return wasReached && now >= Math.max(mountsUntil, cachesUntil);
}

function countedBefore({ authPods, consumers, reachedTime }: Reach = {}): Reach {
  return {
    ...(authPods && { authPods }),
    ...(consumers && { consumers }),
    ...(reachedTime !== undefined && { reachedTime }),
  };
}

/** `namespace/name` of each, in order. */
export function consumersNotReached(key: RevokedKey, ring: Ring): readonly string[] {
  const { kid, mountsUntil } = key;
  const waitsFor = ({ kids, revoked }: Copy): boolean => {
    const state = revoked.get(kid);
    return kids.has(kid) || state === 'Held' || (state !== 'Dropped' && ring.now < mountsUntil);
  };
  const names = copiesConcerned(key, ring).filter(waitsFor);
  return [...new Set(names.map(({ consumer }) => consumer))].sort((a, b) => a.localeCompare(b));
}

function copiesConcerned({ kid, revokedAt }: RevokedKey, ring: Ring): readonly Copy[] {
  return ring.copies.filter(
    ({ consumerSince, kids, revoked }) =>
      !cameLater(consumerSince, revokedAt, ring) || kids.has(kid) || revoked.get(kid) === 'Held',
  );
}

/** By the API server's clock; where that is wrong it says nothing. */
function cameLater(since: Millis, revokedAt: Millis, { now, policy }: Ring): boolean {
  return since > revokedAt + policy.clockSkew && since <= now + policy.clockSkew;
}

function podsNotReached({ kid, revokedAt }: RevokedKey, ring: Ring): readonly string[] {
  return podsConcerned({ revokedAt }, ring)
    .filter((pod) => mayUse(kid, pod))
    .map(({ name }) => name);
}

/** One that has just started is asked, and told, as soon as it answers. */
function podsConcerned({ revokedAt }: Pick<RevokedKey, 'revokedAt'>, { pods, policy }: Ring): readonly KeyHolder[] {
  return pods.filter(
    ({ report, startedAt = Infinity }) => typeof report !== 'string' || startedAt <= revokedAt + policy.clockSkew,
  );
}

function mayUse(kid: Kid, { report }: KeyHolder): boolean {
  return typeof report === 'string' || report.kids.includes(kid);
}

function countOf(all: readonly string[], waiting: readonly string[]): Count {
  const total = new Set(all).size;
  return {
    total,
    reached: total - waiting.length,
    ...(waiting.length > 0 && { waiting: waiting.slice(0, MOST_NAMED) }),
  };
}
