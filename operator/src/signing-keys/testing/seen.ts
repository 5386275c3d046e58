import { authStackSpecSchema } from '../../api/auth-stack.ts';
import type { AuthStack } from '../../api/auth-stack.ts';
import type { Kid, PublicJwk } from '../../stored/jwks.ts';
import type { ActiveKey, Algorithm, NextKey, ReadRing, RetiringKey } from '../../stored/key-ring.ts';
import type { KeyHolder, KeyPolicy, KeysObservation } from '../types.ts';

export const MINUTE = 60_000;
export const NOW: number = Date.UTC(2030, 0, 1);
export const DAY: number = 24 * 60 * MINUTE;

export const policy: KeyPolicy = {
  algorithm: 'ES256',
  rotationInterval: 30 * DAY,
  jwksMaxAge: 5 * MINUTE,
  volumeRefresh: 2 * MINUTE,
  clockSkew: MINUTE,
  maxWait: 60 * MINUTE,
  accessTokenTtl: 30 * MINUTE,
};
/** jwksMaxAge + volumeRefresh + clockSkew. */
export const LEAD: number = 8 * MINUTE;
/** volumeRefresh + accessTokenTTL + clockSkew. */
export const AFTERLIFE: number = 33 * MINUTE;

/** Name of the owner's Secret with wrapping keys. */
export const CUSTODY = 'custody';

interface Asked {
  readonly suspend?: boolean;
  /** The annotation of that name. */
  readonly revokeKey?: string | undefined;
  /** The entry of Secret `custody` that `spec.signingKeys.encryption` names. */
  readonly encryption?: string | undefined;
}

export function aStack(change: Partial<Pick<AuthStack, 'status'>> & Asked = {}): AuthStack {
  const { suspend = false, revokeKey, encryption: key, ...rest } = change;
  const signingKeys = key === undefined ? {} : { encryption: { secretRef: { name: CUSTODY, key } } };
  const annotations = revokeKey === undefined ? {} : { 'authstack.dev/revoke-key': revokeKey };
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop', namespace: 'auth', uid: 'u1', annotations },
    spec: authStackSpecSchema.parse({
      publicURL: 'https://shop.example.com',
      auth: { audience: ['shop'] },
      signingKeys,
      suspend,
    }),
    ...rest,
  };
}

export function jwk(kid: Kid, alg: Algorithm = 'ES256'): PublicJwk {
  switch (alg) {
    case 'ES256':
      return { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid, alg, use: 'sig' };
    case 'RS256':
      return { kty: 'RSA', n: 'n', e: 'AQAB', kid, alg, use: 'sig' };
    case 'EdDSA':
      return { kty: 'OKP', crv: 'Ed25519', x: 'x', kid, alg, use: 'sig' };
    case 'ML-DSA-44':
      return { kty: 'AKP', pub: 'x', kid, alg, use: 'sig' };
  }
}

const facts = { algorithm: 'ES256' as const, publishedAt: NOW - DAY };

export const active = (kid: Kid, change: Partial<ActiveKey> = {}): ActiveKey => ({
  ...{ ...facts, kid, publicJwk: jwk(kid), phase: 'active', activatedAt: NOW - DAY },
  ...change,
});
export const next = (kid: Kid, change: Partial<NextKey> = {}): NextKey => ({
  ...{
    ...facts,
    kid,
    publicJwk: jwk(kid),
    phase: 'next',
    distributedAt: NOW - DAY,
    acknowledged: { at: NOW - DAY, pods: ['shop-auth-1'] },
  },
  ...change,
});
/** Published and not yet known to be in every copy. */
export const undistributed = (kid: Kid, change: Partial<NextKey> = {}): NextKey => {
  const { distributedAt: _none, ...key } = next(kid, change);
  return key;
};
/** No pod has been able to sign with it since. */
export const retiring = (kid: Kid, retiredAt: number = NOW - MINUTE): RetiringKey => ({
  ...{ ...facts, kid, publicJwk: jwk(kid), phase: 'retiring', retiredAt, signersGoneAt: retiredAt },
});

/** A pod that has run for two days and reports these keys, the first of which it signs with. */
export const pod = (name: string, report: readonly Kid[] | 'unknown', change: Partial<KeyHolder> = {}): KeyHolder => ({
  ...{ name, ip: '10.0.0.1', isTerminating: false, startedAt: NOW - 2 * DAY, verifiers: [] },
  report:
    report === 'unknown'
      ? report
      : {
          ...{ pod: name, kids: [...report], lastSignedAt: {}, secretVersion: 1, floor: 0, revokedKids: [] },
          ...(report[0] !== undefined && { signingKid: report[0] }),
        },
  ...change,
});

/** It has been told, or its mount shows, that these are revoked. */
export const knowing = (holder: KeyHolder, ...revokedKids: readonly Kid[]): KeyHolder => ({
  ...holder,
  report: typeof holder.report === 'string' ? holder.report : { ...holder.report, revokedKids: [...revokedKids] },
});

export const lifetimes = {
  accessTokenTtl: policy.accessTokenTtl,
  jwksMaxAge: policy.jwksMaxAge,
  longerTokensEndAt: 0,
  longerCachesEndAt: 0,
};

type SeenRing = Extract<KeysObservation['ring'], { state: 'value' }>;

export function ringOf(keys: ReadRing['keys'], change: Partial<ReadRing> = {}): SeenRing {
  return {
    state: 'value',
    resourceVersion: '7',
    createdAt: NOW - DAY,
    value: { keys, lifetimes, revoked: [], version: NOW - DAY, ...change },
  };
}

/** Everything in order: k1 signs, k2 is known everywhere, nothing is due. */
export function seen(change: Partial<KeysObservation> = {}): KeysObservation {
  return {
    stack: aStack(),
    now: NOW,
    clockOffset: { least: -400, most: 600 },
    policy,
    ring: ringOf([active('k1'), next('k2')]),
    jwks: {
      state: 'value',
      resourceVersion: '8',
      createdAt: NOW - DAY,
      value: { keys: [jwk('k1'), jwk('k2')], lifetimes },
    },
    imported: { state: 'notAsked' },
    wrappingKeys: { wanted: { state: 'none' }, ids: [] },
    copies: [
      {
        consumer: 'shop/orders',
        kids: new Set(['k1', 'k2']),
        createdAt: NOW - DAY,
        consumerSince: 0,
        revoked: new Map(),
      },
    ],
    unseenNamespaces: [],
    pods: [pod('shop-auth-1', ['k1', 'k2'])],
    authServiceRunsSince: [NOW - 2 * DAY],
    ...change,
  };
}
