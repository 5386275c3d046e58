import { namesOf, namespaceOf } from '../api/names.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import { listed } from '../runtime/listed.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Key, RetiringKey } from '../stored/key-ring.ts';
import { whatTheServerSays } from './clock-check.ts';
import { editing, promoting } from './editing.ts';
import { leadEndsAt, mayActivateAt, mayForgetAt } from './horizons.ts';
import { signersOf } from './pods.ts';
import type { Ring } from './ring.ts';
import { theDistributionChanged } from './rotation.ts';
import type { KeysVerdict } from './types.ts';

/** What the ring needs whether or not a rotation is due. */

/** Time went back, or the clock that wrote them was ahead: no step that counts from such a time is safe. */
export function aStoredTimeLiesAhead(ring: Ring): KeysVerdict | undefined {
  const { now, keys, policy, stack } = ring;
  const latest = Math.max(...keys.flatMap((key) => timesOf(key)));
  const waitsUntil = latest - policy.clockSkew;
  if (now >= waitsUntil) return undefined;
  const { signingKeys } = namesOf(stack.metadata.name);
  return {
    status: 'False',
    reason: 'ClockSkew',
    message:
      `Secret ${signingKeys} holds the time ${rfc3339(latest)}, which lies ahead. ` +
      `${whatTheServerSays(ring) ?? `The operator's clock says ${rfc3339(now)}.`} The active key continues to sign. Check the clocks ` +
      `of the nodes: timedatectl. If they are right, the clock that wrote the Secret was not: delete it, and new keys are made while ` +
      `the old ones stay published: kubectl -n ${namespaceOf(stack)} delete secret ${signingKeys}`,
    recheckAt: waitsUntil,
  };
}

function timesOf(key: Key): readonly Millis[] {
  switch (key.phase) {
    case 'next':
      return [key.publishedAt, key.distributedAt ?? 0, key.acknowledged?.at ?? 0];
    case 'active':
      return [key.publishedAt, key.activatedAt];
    case 'retiring':
      return [key.publishedAt, key.retiredAt, key.signersGoneAt ?? 0];
  }
}

export function noKeyIsPublishedAhead(ring: Ring): KeysVerdict | undefined {
  if (ring.next) return undefined;
  return editing(ring, { type: 'publishNext', algorithm: ring.policy.algorithm }, 'Publishing the next key');
}

/** Only after the ring was lost: running pods sign with an old key from memory until every verifier can have the new one. */
export function noKeySigns(ring: Ring): KeysVerdict | undefined {
  const { active, next, now, retiring, authServiceRunsSince } = ring;
  if (active || !next) return undefined;
  const at = mayActivateAt(next, ring) ?? leadEndsAt(next, ring);
  // With what is revoked no pod signs, and with what it was seen to have left none does.
  const maySign = retiring.some(({ signersGoneAt }) => signersGoneAt === undefined);
  const signsFromMemory = maySign && authServiceRunsSince.some((since) => since < next.publishedAt);
  if (!signsFromMemory || now >= at) return promoting(ring, next, 'no key of the ring was active');
  return (
    theDistributionChanged(ring) ?? {
      status: 'False',
      reason: 'SigningKeysLost',
      message:
        `The signing keys were lost. The auth service signs from memory until ${rfc3339(at)}; by then every verifier ` +
        `has the new key`,
      recheckAt: at,
      stalls: 'never',
    }
  );
}

/** No time has to be noted with it, so it waits for nothing: the pods issue by it at once, and it may be shortened again unnoted. */
export function aLifetimeGrew(ring: Ring): KeysVerdict | undefined {
  const { lifetimes, policy } = ring;
  const accessTokenTtl = Math.max(policy.accessTokenTtl, lifetimes.accessTokenTtl);
  const jwksMaxAge = Math.max(policy.jwksMaxAge, lifetimes.jwksMaxAge);
  if (accessTokenTtl === lifetimes.accessTokenTtl && jwksMaxAge === lifetimes.jwksMaxAge) return undefined;
  return editing(ring, { type: 'noteLifetimes', accessTokenTtl, jwksMaxAge }, 'Noting the longer lifetimes');
}

export function aLifetimeShrank(ring: Ring): KeysVerdict | undefined {
  const { lifetimes, policy } = ring;
  const { accessTokenTtl, jwksMaxAge } = policy;
  if (accessTokenTtl >= lifetimes.accessTokenTtl && jwksMaxAge >= lifetimes.jwksMaxAge) return undefined;
  const message = 'Noting the shorter lifetimes. Keys stay published for what was issued under the old ones';
  return editing(ring, { type: 'noteLifetimes', accessTokenTtl, jwksMaxAge }, message);
}

export function aRetiredKeyCanBeForgotten(ring: Ring): KeysVerdict | undefined {
  const mayGo = (key: RetiringKey): boolean => {
    const at = mayForgetAt(key, ring);
    return at !== undefined && ring.now >= at && signersOf(key.kid, ring).length === 0;
  };
  const kids = ring.retiring.filter(mayGo).map(({ kid }) => kid);
  if (kids.length === 0) return undefined;
  return editing(ring, { type: 'forget', kids }, `Forgetting ${listed(kids)}: every token so signed has expired`);
}

/** It never signed, so it can be replaced at once; its replacement has its own lead. */
export function theNextKeyIsOfAnotherAlgorithm(ring: Ring): KeysVerdict | undefined {
  const { next, policy } = ring;
  if (!next || next.algorithm === policy.algorithm) return undefined;
  const message = `Replacing the next key: spec.signingKeys.algorithm is ${policy.algorithm}`;
  return editing(ring, { type: 'publishNext', algorithm: policy.algorithm }, message);
}
