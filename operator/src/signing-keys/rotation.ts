import { LOOK_AGAIN } from '../planning.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import { listed } from '../runtime/listed.ts';
import { refOf } from '../runtime/objects.ts';
import type { Kid } from '../stored/jwks.ts';
import type { ActiveKey, NextKey } from '../stored/key-ring.ts';
import { editing, promoting } from './editing.ts';
import { isDueAt, leadEndsAt, mayActivateAt } from './horizons.ts';
import { PROMOTE_KEY_ANNOTATION, podsLackTheNextKey } from './pods.ts';
import type { Ring } from './ring.ts';
import type { KeysObservation, KeysVerdict } from './types.ts';
import { givenUpWithout, nameOf, verifiersMayLackTheNextKey } from './verifiers.ts';

/** When the next key may sign. */

export function theDistributionChanged(ring: Ring): KeysVerdict | undefined {
  const { next } = ring;
  if (!next) return undefined;
  const { kid, distributedAt } = next;
  // What every copy held when it was noted, those in a namespace that cannot be seen any more held as well.
  const isSeen = distributedAt !== undefined || ring.unseenNamespaces.length === 0;
  const isEverywhere = isSeen && consumersWithout(next, ring).length === 0;
  if (isEverywhere === (distributedAt !== undefined)) return undefined;
  return isEverywhere
    ? editing(ring, { type: 'noteDistributed', kid }, `Every copy holds the next key ${kid}`)
    : editing(ring, { type: 'noteUndistributed', kid }, `A copy lacks the next key ${kid}`);
}

export function theActiveKeyIsDue(ring: Ring): KeysVerdict | undefined {
  const { active, next, now } = ring;
  if (!active || !next || now < isDueAt(active, ring)) return undefined;
  return (
    copiesLackTheNextKey(ring, active, next) ??
    theLeadIsNotOver(ring, active, next) ??
    podsLackTheNextKey(ring, next.kid) ??
    verifiersMayLackTheNextKey(ring, next) ??
    promoting(ring, next, `${active.kid} is due${notWaitedFor(ring, next.kid)}`)
  );
}

function theLeadIsNotOver(ring: Ring, active: ActiveKey, next: NextKey): KeysVerdict | undefined {
  const at = mayActivateAt(next, ring);
  if (at !== undefined && ring.now >= at) return undefined;
  const until = rfc3339(at ?? leadEndsAt(next, ring));
  return {
    status: 'True',
    reason: 'RotationDelayed',
    message: `${active.kid} is due and continues to sign: caches and mounts may lack ${next.kid} until ${until}`,
  };
}

/** What whoever sees a token refused afterwards should know. */
function notWaitedFor(ring: Ring, kid: Kid): string {
  const givenUp = givenUpWithout(kid, ring).map(nameOf);
  return givenUp.length === 0
    ? ''
    : `; ${listed(givenUp)} vanished without it and had signingKeys.maxWait to come back`;
}

/** Somebody knows better than the operator who lacks it. */
export function thePromotionIsForced(ring: Ring): KeysVerdict | undefined {
  const { active, next } = ring;
  const kid = forcedKid(ring);
  if (!active || kid === undefined || kid !== next?.kid) return undefined;
  return promoting(ring, next, `annotation ${PROMOTE_KEY_ANNOTATION} asks for it, whoever lacks it`);
}

/** Said last, for nothing waits for it. One that was promoted and retires is no mistake. */
export function theNamedKeyIsNone({ keys, next, ...ring }: Ring): KeysVerdict | undefined {
  const kid = forcedKid(ring);
  if (kid === undefined || keys.some((key) => key.kid === kid)) return undefined;
  const { namespace = '', name } = ring.stack.metadata;
  // What is no kid may be anything, a private key too.
  return {
    status: 'True',
    reason: 'PromotionRefused',
    message:
      `Annotation ${PROMOTE_KEY_ANNOTATION} names ${/^[\w.-]{1,128}$/.test(kid) ? kid : 'no kid'}, which is no key of the stack; the next key is ` +
      `${next?.kid ?? 'none'}. Remove it: kubectl -n ${namespace} annotate authstack ${name} ${PROMOTE_KEY_ANNOTATION}-`,
  };
}

function forcedKid({ stack }: Pick<Ring, 'stack'>): string | undefined {
  return stack.metadata.annotations?.[PROMOTE_KEY_ANNOTATION];
}

/** Before the lead is over nobody waits for them. */
function copiesLackTheNextKey(ring: Ring, active: ActiveKey, next: NextKey): KeysVerdict | undefined {
  if (ring.now < leadEndsAt(next, ring)) return undefined;
  const behind = consumersWithout(next, ring);
  if (behind.length > 0) return blocked({ active, next, behind });
  return next.distributedAt === undefined && ring.unseenNamespaces.length > 0 ? unseen(ring, active, next) : undefined;
}

interface Blocked {
  readonly active: ActiveKey;
  readonly next: NextKey;
  /** `namespace/name` of each consumer whose copy lacks the next key. */
  readonly behind: readonly string[];
}

function blocked({ active, next, behind }: Blocked): KeysVerdict {
  const { namespace = '', name } = refOf(behind[0] ?? '');
  return {
    status: 'False',
    reason: 'RotationBlocked',
    message:
      `${listed(behind)} cannot verify ${next.kid} yet, so ${active.kid} continues to sign: ` +
      `kubectl -n ${namespace} describe authconsumer ${name}`,
  };
}

function unseen({ unseenNamespaces, now }: Ring, active: ActiveKey, next: NextKey): KeysVerdict {
  const [namespace = ''] = unseenNamespaces;
  return {
    status: 'False',
    reason: 'RotationBlocked',
    message:
      `The operator cannot watch ${listed(unseenNamespaces)}, so a consumer there may lack ${next.kid}, and ${active.kid} ` +
      `continues to sign. Remove the namespace from watchNamespaces if it is gone: kubectl get namespace ${namespace}`,
    // That it can be watched again is announced by nothing where no consumer is in it.
    recheckAt: now + LOOK_AGAIN,
  };
}

function consumersWithout({ kid }: NextKey, { copies }: KeysObservation): readonly string[] {
  const behind = copies.filter(({ kids }) => !kids.has(kid)).map(({ consumer }) => consumer);
  return [...new Set(behind)].sort((a, b) => a.localeCompare(b));
}
