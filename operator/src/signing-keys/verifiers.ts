import { PRESENT, latestOf } from '../auth-pods/verifiers.ts';
import type { Verifier } from '../auth-pods/verifiers.ts';
import { LOOK_AGAIN } from '../planning.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import { sameJson } from '../runtime/json.ts';
import { listed } from '../runtime/listed.ts';
import type { Millis } from '../runtime/objects.ts';
import { refOf } from '../runtime/objects.ts';
import type { Kid } from '../stored/jwks.ts';
import type { NextKey } from '../stored/key-ring.ts';
import { editing } from './editing.ts';
import { countsFrom } from './horizons.ts';
import { forcedPromotion, isPromotionNear, podsWithout } from './pods.ts';
import type { Ring } from './ring.ts';
import type { KeysVerdict } from './types.ts';

/*
 * Services that verify tokens and are connected to an auth pod, which they tell every few seconds which keys they have in
 * their memory. When the next key is about to be due, those count whose AuthConsumer both sides consent to:
 *
 *   heard of within PRESENT    it must have the next key, or the active one signs on
 *   within maxWait             it has vanished and may come back: waited for, if it had not acknowledged the next key
 *   before that                as those that never connect, it has had the lead
 *   it has said goodbye        it is none any more
 *
 * Pods remember them, and a pod that ends takes along what it knew: its services connect to another within RECONNECTED. So only
 * what the same pods say for that long counts, from `acknowledged` of the next key on:
 *
 *   nobody lacks it ──► noteAcknowledged ── RECONNECTED + clockSkew ──► promote
 *                          │   ▲
 *                          │   └─ another pod, or one less: noted anew
 *                          └─ somebody lacks it, or a pod does not say: noteUnacknowledged
 */

export function theAcknowledgementChanged(ring: Ring): KeysVerdict | undefined {
  const { next } = ring;
  if (!next || ring.pods.length === 0 || !isPromotionNear(ring)) return undefined;
  // Said first, and what is noted now would be noted anew.
  if (podsWithout(next.kid, ring).length > 0) return undefined;
  const { kid, acknowledged } = next;
  if (lack(ring, kid)) {
    if (!acknowledged) return undefined;
    return editing(ring, { type: 'noteUnacknowledged', kid }, `A service may lack the next key ${kid}`);
  }
  const pods = ring.pods.map(({ name }) => name).sort();
  if (acknowledged && sameJson(acknowledged.pods, pods)) return undefined;
  return editing(
    ring,
    { type: 'noteAcknowledged', kid, pods },
    `No service that is connected lacks the next key ${kid}`,
  );
}

/** The next key is due, and not every service is known to have it. Without a pod none can be connected. */
export function verifiersMayLackTheNextKey(ring: Ring, { kid, acknowledged }: NextKey): KeysVerdict | undefined {
  if (ring.pods.length === 0 || ring.stack.spec.suspend) return undefined;
  const lacking = lack(ring, kid);
  if (lacking) return lacking;
  const until = countsFrom(acknowledged?.at ?? ring.now, ring);
  if (ring.now >= until) return undefined;
  const why =
    `the auth pods must report until ${rfc3339(until)}, without a break, that no connected service lacks ${kid}; ` +
    'a service whose pod has just ended connects again by then';
  return delayed(ring, why, until);
}

/** Those that have vanished for so long that nobody waits for them any more, and that had not acknowledged that key. */
export function givenUpWithout(kid: Kid, ring: Ring): readonly Verifier[] {
  return without(kid, ring).filter(({ heardMillisAgo }) => heardMillisAgo >= ring.policy.maxWait);
}

/** For people: which service, and in which pod. */
export function nameOf({ client, name }: Pick<Verifier, 'client' | 'name'>): string {
  return name === '' ? client : `${client} (${name})`;
}

function lack(ring: Ring, kid: Kid): KeysVerdict | undefined {
  return aPodDoesNotSay(ring) ?? aPresentOneLacks(kid, ring) ?? aVanishedOneLacks(kid, ring);
}

function aPodDoesNotSay(ring: Ring): KeysVerdict | undefined {
  const silent = ring.pods.find(({ verifiers }) => typeof verifiers === 'string');
  if (!silent) return undefined;
  return delayed(ring, `Pod ${silent.name} does not say which services are connected to it`, ring.now + LOOK_AGAIN);
}

function aPresentOneLacks(kid: Kid, ring: Ring): KeysVerdict | undefined {
  const behind = without(kid, ring).filter(({ heardMillisAgo }) => heardMillisAgo < PRESENT);
  const [first] = behind;
  if (!first) return undefined;
  const { namespace = '', name } = refOf(first.client);
  const has = first.kids.length === 0 ? 'has no key' : `has ${listed(first.kids)}`;
  const others = behind.length > 1 ? ` and ${behind.length - 1} more` : '';
  return {
    status: 'False',
    reason: 'RotationBlocked',
    message:
      `${nameOf(first)}${others} ${has} and must load ${named(kid, ring)} first, so ${ring.active?.kid ?? ''} continues to sign. Look at what ` +
      `it mounts and logs: kubectl -n ${namespace} describe authconsumer ${name}. Or promote knowingly: ${forcedPromotion(ring, kid)}`,
    recheckAt: ring.now + LOOK_AGAIN,
  };
}

/** Of another algorithm it may be one that the service does not have. */
function named(kid: Kid, { active, next }: Ring): string {
  return next && next.algorithm !== active?.algorithm ? `${kid} (${next.algorithm})` : kid;
}

function aVanishedOneLacks(kid: Kid, ring: Ring): KeysVerdict | undefined {
  const { now, policy } = ring;
  const [first] = without(kid, ring).filter(({ heardMillisAgo }) => heardMillisAgo < policy.maxWait);
  if (!first) return undefined;
  const heardAt = now - first.heardMillisAgo;
  const until = heardAt + policy.maxWait;
  const why =
    `${nameOf(first)} was heard of last at ${rfc3339(heardAt)}, without ${kid}; after signingKeys.maxWait, at ${rfc3339(until)}, ` +
    'it is not waited for any more';
  return delayed(ring, why, Math.min(until, now + LOOK_AGAIN));
}

function delayed({ active }: Ring, why: string, recheckAt: Millis): KeysVerdict {
  const message = `${active?.kid ?? ''} is due and continues to sign: ${why}`;
  return { status: 'True', reason: 'RotationDelayed', message, recheckAt };
}

/** The longest waited for first. */
function without(kid: Kid, ring: Ring): readonly Verifier[] {
  return known(ring)
    .filter(({ kids }) => !kids.includes(kid))
    .toSorted((a, b) => a.heardMillisAgo - b.heardMillisAgo || nameOf(a).localeCompare(nameOf(b)));
}

function known({ pods, copies }: Ring): readonly Verifier[] {
  const consenting = new Set(copies.map(({ consumer }) => consumer));
  const told = pods.flatMap(({ verifiers }) => (typeof verifiers === 'string' ? [] : verifiers));
  return latestOf(told).filter(({ client }) => consenting.has(client));
}
