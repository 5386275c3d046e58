import type { KeysReload } from '@authstack/auth-service/api';
import { namespaceOf } from '../api/names.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { LOOK_AGAIN } from '../planning.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import { counted, listed } from '../runtime/listed.ts';
import { refOf } from '../runtime/objects.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Kid, RevokedKey } from '../stored/jwks.ts';
import type { ActiveKey } from '../stored/key-ring.ts';
import { MOST_REVOKED } from './edit.ts';
import { stackRef } from './editing.ts';
import { leadEndsAt, revokedKey } from './horizons.ts';
import { wayOn } from './pods.ts';
import { consumersNotReached, notReached } from './reach.ts';
import type { Ring } from './ring.ts';
import type { KeyHolder, KeyPolicy, KeysObservation, KeysVerdict, Revocation } from './types.ts';
import { canMakeKeys } from './wrapping.ts';

/*
 * A stolen key is taken away: the annotation asks, and what is stored remembers.
 *
 *   annotation ──► ring: the key goes, its tombstone stays, the next key signs ──┬─► <stack>-jwks, tombstones as well ──► copies
 *                                                                                └─► auth pods are told, for mounts are late
 *
 * The tombstones of `<stack>-jwks` count like those of the ring, for a ring can be lost, or be restored from a backup.
 */

export const REVOKE_KEY_ANNOTATION = 'authstack.dev/revoke-key';

/** First of all rules: neither a clock, nor a Secret that is not ours, nor a suspension keeps a stolen key in use. */
export function aKeyIsToBeRevoked(ring: Ring): KeysVerdict | undefined {
  const isGone = ({ kid }: { readonly kid: Kid }): boolean => asksFor(ring.stack, kid) || isRevoked(kid, ring);
  const kids = ring.keys.filter(isGone).map(({ kid }) => kid);
  if (kids.length === 0) return undefined;
  const message = `Revoking ${listed(kids)}: ${whatFollows(ring, kids)}`;
  const { stack, resourceVersion, policy } = ring;
  const edit = revocationOf(kids, policy, { withSuccessor: canMakeKeys(ring) });
  const { mountsUntil, cachesUntil } = revokedKey('', ring.now, ring);
  const reach =
    `Auth pods and connected services drop it within seconds; who only mounts a Secret, by ${rfc3339(mountsUntil)}; who polls the ` +
    `key set, by ${rfc3339(cachesUntil)}`;
  const event = { type: 'Warning', reason: 'SigningKeyRevoked', message: `${message}. ${reach}` } as const;
  const action = { type: 'editRing', stack: stackRef(stack), resourceVersion, edit, event } as const;
  return { status: 'True', reason: 'KeyRevoked', message, actions: [action] };
}

/** They sign and accept by what is in their memory until their mounts are fresh, and one that starts may mount what was before. */
export function podsDoNotKnowWhatIsRevoked(ring: Ring): KeysVerdict | undefined {
  const revokedKids = revokedKidsOf(ring);
  const pods = ring.pods.flatMap(({ name, ip, report }) => {
    const lacksOne = typeof report !== 'string' && revokedKids.some((kid) => !report.revokedKids.includes(kid));
    return lacksOne && ip !== undefined ? [{ name, ip }] : [];
  });
  if (pods.length === 0) return undefined;
  const action = { type: 'reloadPods', stack: stackRef(ring.stack), pods, wanted: reloadOf(ring) } as const;
  const names = listed(pods.map(({ name }) => `Pod ${name}`));
  return {
    status: 'True',
    reason: 'KeyRevoked',
    message: `Telling ${names} which keys are revoked`,
    actions: [action],
  };
}

function reloadOf(ring: Ring): KeysReload {
  const kept = ring.keys.filter(({ kid }) => !isRevoked(kid, ring));
  return {
    keys: kept.map(({ publicJwk }) => publicJwk),
    ...(ring.active && { signingKid: ring.active.kid }),
    revokedKids: [...revokedKidsOf(ring)],
    floor: ring.version,
  };
}

/** As many as a pod takes. */
function revokedKidsOf(ring: Ring): readonly Kid[] {
  return knownRevoked(ring)
    .map(({ kid }) => kid)
    .slice(-MOST_REVOKED);
}

/** Said beside whatever else is the case, for as long as somebody may still accept a stolen key. What blocks a rotation keeps its reason. */
export function namingRevoked(ring: Ring, verdict: KeysVerdict): KeysVerdict {
  const revoked = whoMayStillAccept(ring);
  if (!revoked || (verdict.actions ?? []).length > 0) return verdict;
  const rechecks = [verdict.recheckAt, revoked.recheckAt].filter((at) => at !== undefined);
  const both = { ...verdict, ...(rechecks.length > 0 && { recheckAt: Math.min(...rechecks) }) };
  if (verdict.status !== 'True') return { ...both, message: `${verdict.message}. ${revoked.message}` };
  const beside = verdict.reason === 'UpToDate' ? '' : `. ${verdict.message}`;
  return { ...both, reason: 'KeyRevoked', message: `${revoked.message}${beside}` };
}

function whoMayStillAccept(ring: Ring): Pick<KeysVerdict, 'message' | 'recheckAt'> | undefined {
  const { revoked, active, now } = ring;
  const recent = revoked.filter(({ mountsUntil, cachesUntil }) => now < Math.max(mountsUntil, cachesUntil));
  const late = revoked.flatMap((key) => whoIsLate(key, ring));
  if (!active || (recent.length === 0 && late.length === 0)) return undefined;
  const silent = ring.pods.filter(({ report }) => report === 'unknown');
  return {
    message: [
      ...(recent.length > 0 ? [boundsInWords(recent, active, ring)] : []),
      ...late,
      ...untold(ring, silent),
    ].join('. '),
    ...((silent.length > 0 || late.length > 0) && { recheckAt: now + LOOK_AGAIN }),
  };
}

/** The bounds are promises: whoever has not kept one is named until it has dropped the key, or is gone. */
function whoIsLate(key: RevokedKey, ring: Ring): readonly string[] {
  const end = Math.max(key.mountsUntil, key.cachesUntil);
  const waiting = ring.now < end ? [] : notReached(key, ring);
  if (waiting.length === 0) return [];
  return [
    `${key.kid} is revoked. ${listed(waiting)} may still accept it, although the time to drop it ended at ${rfc3339(end)}. Restart what is named`,
  ];
}

function boundsInWords(recent: readonly RevokedKey[], active: ActiveKey, ring: Ring): string {
  const { now } = ring;
  const latest = (times: readonly Millis[]): string => rfc3339(Math.max(...times));
  const knownAt = leadEndsAt(active, ring);
  return (
    `${listed(recent.map(({ kid }) => kid))} is revoked. ${reachInWords(recent, ring)}It is gone from mounted Secrets ` +
    `by ${latest(recent.map(({ mountsUntil }) => mountsUntil))} and from cached key sets by ` +
    `${latest(recent.map(({ cachesUntil }) => cachesUntil))}. Restart what must not wait for that` +
    (now < knownAt ? `. ${active.kid} ${refusedUntil(knownAt)}` : '')
  );
}

/** Counted, and the first of those that are waited for with the command to look at it. */
function reachInWords(recent: readonly RevokedKey[], ring: Ring): string {
  const all = new Set(ring.copies.map(({ consumer }) => consumer));
  if (all.size === 0) return '';
  const waiting = [...new Set(recent.flatMap((key) => consumersNotReached(key, ring)))];
  const [first] = waiting;
  if (first === undefined) return `${counted(all.size, 'AuthConsumer has', 'AuthConsumers have')} dropped it. `;
  const { namespace = '', name } = refOf(first);
  const dropped = `${all.size - waiting.length} of ${counted(all.size, 'AuthConsumer has', 'AuthConsumers have')} dropped it`;
  return `${dropped}, not ${listed(waiting)}: kubectl -n ${namespace} describe authconsumer ${name}. `;
}

function untold(ring: Ring, silent: readonly KeyHolder[]): readonly string[] {
  const [pod] = silent;
  if (!pod) return [];
  const more = silent.length > 1 ? ` and ${silent.length - 1} more` : '';
  return [
    `Pod ${pod.name}${more} cannot be asked, so it may hold a revoked key until its mounted Secret is updated. ${wayOn(ring, pod)}`,
  ];
}

/** Said beside whatever else is the case, for it may be a stolen key that somebody mistyped. */
export function namingRefused(ring: Ring, verdict: KeysVerdict): KeysVerdict {
  const error = requestError(ring);
  if (error === undefined || (verdict.actions ?? []).length > 0) return verdict;
  const message = `${error}. ${verdict.message}`;
  return verdict.status === 'True' ? { ...verdict, reason: 'RevocationRefused', message } : { ...verdict, message };
}

function requestError(ring: Ring): string | undefined {
  const { stack, keys } = ring;
  const asked = stack.metadata.annotations?.[REVOKE_KEY_ANNOTATION];
  if (asked === undefined || keys.some(({ kid }) => kid === asked) || isRevoked(asked, ring)) return undefined;
  const kids = keys.map(({ kid, phase }) => `${kid} (${phase})`);
  return (
    // What is no kid may be anything, a private key too.
    `Annotation ${REVOKE_KEY_ANNOTATION} names ${/^[\w.-]{1,128}$/.test(asked) ? asked : 'no kid'}, and nothing was revoked: the keys are ` +
    `${listed(kids, 8)}. Correct or remove it: ` +
    `kubectl -n ${namespaceOf(stack)} annotate authstack ${stack.metadata.name} ${REVOKE_KEY_ANNOTATION}-`
  );
}

/** A suspended stack publishes nothing else. */
export function aRevocationIsUnpublished({ jwks, ...ring }: Ring): boolean {
  const published = jwks.state === 'value' ? jwks.value.keys : [];
  const known = new Set(alreadyRevoked(jwks).map(({ kid }) => kid));
  return (
    published.some(({ kid }) => isRevoked(kid, { ...ring, jwks })) || ring.revoked.some(({ kid }) => !known.has(kid))
  );
}

/** Whether it takes a key away: from the ring, or from pods. */
export function takesAway(verdict: KeysVerdict): boolean {
  return revokes(verdict) || (verdict.actions ?? []).some(({ type }) => type === 'reloadPods');
}

export function revokes({ actions = [] }: KeysVerdict): boolean {
  return actions.some((action) => action.type === 'editRing' && action.edit.type === 'revoke');
}

export function asksFor({ metadata }: AuthStack, kid: Kid): boolean {
  return metadata.annotations?.[REVOKE_KEY_ANNOTATION] === kid;
}

export function revocationOf(
  kids: readonly Kid[],
  policy: KeyPolicy,
  { withSuccessor }: { readonly withSuccessor: boolean },
): Revocation {
  const { algorithm, volumeRefresh, jwksMaxAge, clockSkew } = policy;
  return { type: 'revoke', kids, ...(withSuccessor && { algorithm }), volumeRefresh, jwksMaxAge, clockSkew };
}

/** What `<stack>-jwks` remembers. */
export function alreadyRevoked(jwks: KeysObservation['jwks']): readonly RevokedKey[] {
  return jwks.state === 'value' ? (jwks.value.revoked ?? []) : [];
}

/** What the ring remembers, and what only `<stack>-jwks` does. */
export function knownRevoked({ revoked, jwks }: Pick<Ring, 'revoked' | 'jwks'>): readonly RevokedKey[] {
  const isInRing = ({ kid }: RevokedKey): boolean => revoked.some((one) => one.kid === kid);
  return [...alreadyRevoked(jwks).filter((one) => !isInRing(one)), ...revoked];
}

function isRevoked(kid: Kid, ring: Pick<Ring, 'revoked' | 'jwks'>): boolean {
  return knownRevoked(ring).some((one) => one.kid === kid);
}

function whatFollows(ring: Ring, kids: readonly Kid[]): string {
  const { next, now } = ring;
  if (!maySign(ring, kids)) return 'tokens it signed are refused, and the key that signs stays';
  const successor = next && !kids.includes(next.kid) ? next : undefined;
  if (!successor && !canMakeKeys(ring)) {
    return 'tokens it signed are refused, and no key signs, so nobody can sign in, until the key of spec.signingKeys.encryption is there';
  }
  const { kid, publishedAt } = successor ?? { kid: 'a new key', publishedAt: now };
  const knownAt = leadEndsAt({ publishedAt }, ring);
  const lack = now < knownAt ? `. It ${refusedUntil(knownAt)}` : '';
  return `tokens it signed are refused, and ${kid} signs at once${lack}`;
}

function maySign({ active, keys }: Ring, kids: readonly Kid[]): boolean {
  if (active) return kids.includes(active.kid);
  return keys.some(({ kid, phase }) => phase !== 'next' && kids.includes(kid));
}

function refusedUntil(knownAt: Millis): string {
  return `signs before its lead is over: verifiers that have not fetched it refuse its tokens, by the spec until ${rfc3339(knownAt)}`;
}
