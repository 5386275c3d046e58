import type { AuthConsumer, AuthConsumerStatus, RevokedState } from '../api/auth-consumer.ts';
import { durationMillis } from '../api/duration.ts';
import { namespaceOf } from '../api/names.ts';
import type { Verifier } from '../auth-pods/verifiers.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import { listed } from '../runtime/listed.ts';
import type { Millis } from '../runtime/objects.ts';
import { kidsInCopy } from '../stored/consumer-copy.ts';
import type { Kid, RevokedKey } from '../stored/jwks.ts';
import type { ConsumerObservation } from './types.ts';

/*
 * Whether a service still accepts tokens of a key that was revoked, as far as its Secret and its connected instances tell:
 *
 *            ┌── its Secret, or a connected instance, has the key
 *            ▼
 *   ┌──► Held ─────── everyone who is connected has said since that it has it no longer ───────┬──► Dropped, for good
 *   └─► Unconfirmed ── the same, or mountsUntil: by then kubelet has taken it from every mount ─┘
 *            ▲
 *            └── its Secret has not, and nobody is connected, or has not said it since
 */

export interface Revocations {
  readonly status: AuthConsumerStatus['revokedKeys'] | undefined;
  /** Said beside what is in order; empty: no revoked key is accepted any more. */
  readonly words: string;
  /** When it is to be looked at again, if nothing changes until then. */
  readonly recheckAt?: Millis;
}

type Entry = NonNullable<Revocations['status']>[number];

/** As many as the status of the stack shows. */
const MOST_SHOWN = 8;
/** An instance says that often which keys it has. */
const SAID_AGAIN: Millis = 5_000;

export function revocationsOf(seen: ConsumerObservation): Revocations {
  const { consumer, now, revoked } = seen;
  const stored = consumer.status?.revokedKeys;
  if (!revoked) return { status: stored, words: '' };
  const known = new Map(stored?.map((entry) => [entry.kid, entry]));
  const concerns = (key: RevokedKey): boolean =>
    known.has(key.kid) || isHeld(key.kid, seen) || (now < key.mountsUntil && !isOlder(key, seen));
  const shown = revoked.filter(concerns).slice(-MOST_SHOWN);
  if (shown.length === 0) return { status: undefined, words: '' };
  const entries = shown.map((key) => entryOf(key, known.get(key.kid), seen));
  const open = shown.filter((_, index) => entries[index]?.state !== 'Dropped');
  const rechecks = open.flatMap((key) => rechecksOf(key, seen)).filter((at) => at > now);
  return {
    status: entries,
    words: open.map((key) => wordsOf(key, seen)).join(''),
    ...(rechecks.length > 0 && { recheckAt: Math.min(...rechecks) }),
  };
}

function entryOf(key: RevokedKey, stored: Entry | undefined, seen: ConsumerObservation): Entry {
  const until = rfc3339(key.mountsUntil);
  const state = stored?.state === 'Dropped' ? 'Dropped' : stateOf(key, seen);
  return { kid: key.kid, state, since: stored?.state === state ? stored.since : rfc3339(seen.now), until };
}

function stateOf(key: RevokedKey, seen: ConsumerObservation): RevokedState {
  if (isHeld(key.kid, seen)) return 'Held';
  return isConfirmed(key, seen) || seen.now >= key.mountsUntil ? 'Dropped' : 'Unconfirmed';
}

/** It was revoked before the consumer came, which has never had it; a time that lies ahead says nothing. */
function isOlder({ revokedAt }: RevokedKey, { consumer, stack, now }: ConsumerObservation): boolean {
  const skew = durationMillis(stack?.spec.signingKeys.propagation.clockSkew ?? '0s');
  const since = Date.parse(consumer.metadata.creationTimestamp ?? '');
  return since > revokedAt + skew && since <= now + skew;
}

function isHeld(kid: Kid, seen: ConsumerObservation): boolean {
  const { copy, formerCopies } = seen;
  const secrets = [...(copy.state === 'ours' ? [copy.secret] : []), ...formerCopies];
  return secrets.some((secret) => kidsInCopy(secret).has(kid)) || holdersOf(kid, seen).length > 0;
}

function holdersOf(kid: Kid, { verifiers }: ConsumerObservation): readonly Verifier[] {
  return verifiers.filter(({ kids }) => kids.includes(kid)).toSorted((a, b) => a.name.localeCompare(b.name));
}

/** One that lacked the key before may have been about to load it. */
function isConfirmed({ revokedAt }: RevokedKey, { verifiers, now }: ConsumerObservation): boolean {
  return verifiers.length > 0 && verifiers.every(({ heardMillisAgo }) => now - heardMillisAgo >= revokedAt);
}

/** Of who has the key and has it no longer we are told; that one lacks it still is no news, but counts. */
function rechecksOf({ kid, mountsUntil }: RevokedKey, seen: ConsumerObservation): readonly Millis[] {
  const isSaidAgain = seen.verifiers.length > 0 && holdersOf(kid, seen).length === 0;
  return [mountsUntil, ...(isSaidAgain ? [seen.now + SAID_AGAIN] : [])];
}

function wordsOf({ kid, revokedAt, mountsUntil }: RevokedKey, seen: ConsumerObservation): string {
  const holders = holdersOf(kid, seen);
  const revoked = `Key ${kid} was revoked at ${rfc3339(revokedAt)}`;
  const [first] = holders;
  if (first) {
    const names = listed(holders.map(({ name }) => (name === '' ? 'an instance without a name' : name)));
    return `. ${revoked}, and ${names} still ${holders.length === 1 ? 'has' : 'have'} it. ${restart(first, seen.consumer)}`;
  }
  if (seen.now >= mountsUntil) return '';
  const why =
    seen.verifiers.length === 0 ? 'no instance is connected to confirm it' : 'not every instance has confirmed it';
  return `. ${revoked}; ${why}, so its tokens may be accepted until ${rfc3339(mountsUntil)}`;
}

function restart({ name }: Verifier, consumer: AuthConsumer): string {
  return name === ''
    ? 'If that stays so, restart it'
    : `If that stays so: kubectl -n ${namespaceOf(consumer)} delete pod ${name}`;
}
