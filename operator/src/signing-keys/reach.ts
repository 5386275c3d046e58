import type { AuthStackStatus } from '../api/auth-stack.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import type { Kid, RevokedKey } from '../stored/jwks.ts';
import type { Ring } from './ring.ts';
import type { KeyHolder } from './types.ts';

/*
 * Who has dropped a revoked key: auth pods as they report themselves, consumers by their Secret and by what their connected
 * instances have confirmed. Counted until nobody is waited for any more; what comes later never had the key.
 */

type Shown = NonNullable<NonNullable<AuthStackStatus['signingKeys']>['revoked']>[number];

export type Reach = Pick<Shown, 'authPods' | 'consumers' | 'reachedTime'>;
type Count = NonNullable<Shown['consumers']>;

const MOST_NAMED = 8;

export function reachOf(key: RevokedKey, ring: Ring): Reach {
  const stored = ring.stack.status?.signingKeys?.revoked?.find(({ kid }) => kid === key.kid);
  if (isOver(key, stored, ring)) return countedBefore(stored);
  const pods = ring.pods.map(({ name }) => name);
  const consumers = ring.copies.map(({ consumer }) => consumer);
  const reach = {
    authPods: countOf(pods, podsNotReached(key, ring)),
    consumers: countOf([...new Set(consumers)], consumersNotReached(key, ring)),
  };
  const isWaiting = Object.values(reach).some(({ total, reached }) => reached < total);
  return { ...reach, ...(!isWaiting && { reachedTime: rfc3339(ring.now) }) };
}

function isOver({ mountsUntil, cachesUntil }: RevokedKey, stored: Reach | undefined, { now }: Ring): boolean {
  // Of one that was over before anybody counted, nobody knows when.
  return stored?.consumers ? stored.reachedTime !== undefined : now >= Math.max(mountsUntil, cachesUntil);
}

function countedBefore({ authPods, consumers, reachedTime }: Reach = {}): Reach {
  return {
    ...(authPods && { authPods }),
    ...(consumers && { consumers }),
    ...(reachedTime !== undefined && { reachedTime }),
  };
}

/** `namespace/name` of each, in order. */
export function consumersNotReached({ kid, mountsUntil }: RevokedKey, { copies, now }: Ring): readonly string[] {
  const names = copies
    .filter(({ kids, revoked }) => {
      const state = revoked.get(kid);
      return kids.has(kid) || state === 'Held' || (state !== 'Dropped' && now < mountsUntil);
    })
    .map(({ consumer }) => consumer);
  return [...new Set(names)].sort((a, b) => a.localeCompare(b));
}

function podsNotReached({ kid }: RevokedKey, { pods }: Ring): readonly string[] {
  return pods.filter((pod) => mayUse(kid, pod)).map(({ name }) => name);
}

function mayUse(kid: Kid, { report }: KeyHolder): boolean {
  return typeof report === 'string' || report.kids.includes(kid);
}

function countOf(all: readonly string[], waiting: readonly string[]): Count {
  return {
    total: all.length,
    reached: all.length - waiting.length,
    ...(waiting.length > 0 && { waiting: waiting.slice(0, MOST_NAMED) }),
  };
}
