import { expect, test } from '@jest/globals';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { decodeJwks, publishedKeys } from './jwks.ts';
import type { PublicJwk } from './jwks.ts';
import { keyRing, readKeyRing } from './key-ring.ts';
import type { StoredRing } from './key-ring.ts';
import { encodeText, readStored, secretOf } from './secret.ts';

const stack: AuthStack = {
  apiVersion: 'authstack.dev/v1alpha1',
  kind: 'AuthStack',
  metadata: { name: 'shop', namespace: 'auth' },
  spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } }),
};

const jwk = (kid: string): PublicJwk => ({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid, alg: 'ES256', use: 'sig' });
const facts = (kid: string) => ({ kid, algorithm: 'ES256', publishedAt: 1, publicJwk: jwk(kid) }) as const;
const privateJwk = { d: 'secret' };
const wrapping = { secretName: 'custody', keyId: 'mine' };
const wrapped = (kid: string): string =>
  `${Buffer.from(JSON.stringify({ kid })).toString('base64url')}.key.iv.text.tag`;
const lifetimes = { accessTokenTtl: 1, jwksMaxAge: 1, longerTokensEndAt: 0, longerCachesEndAt: 0 };
const ring: StoredRing = {
  keys: [
    { ...facts('k0'), phase: 'retiring', retiredAt: 3 },
    { ...facts('k1'), phase: 'active', activatedAt: 2, privateJwk },
    { ...facts('k2'), phase: 'next', privateJwk },
  ],
  lifetimes,
  revoked: [{ kid: 'k9', revokedAt: 4, mountsUntil: 5, cachesUntil: 6 }],
  version: 5,
};

test('what a plan may see of the ring holds no private half', () => {
  const seen = readKeyRing(stack, secretOf(keyRing, stack, ring));
  expect(seen).toMatchObject({
    state: 'value',
    value: { keys: [{ kid: 'k0' }, { kid: 'k1' }, { kid: 'k2' }], lifetimes },
  });
  expect(JSON.stringify(seen)).not.toMatch(/private|secret/);
});

test('a wrapped ring reads back as itself, and a plan may see what it is wrapped with', () => {
  const keys: StoredRing['keys'] = [
    { ...facts('k0'), phase: 'retiring', retiredAt: 3 },
    { ...facts('k1'), phase: 'active', activatedAt: 2, privateJwk: wrapped('mine') },
    { ...facts('k2'), phase: 'next', privateJwk: wrapped('mine') },
  ];
  const secret = secretOf(keyRing, stack, { ...ring, keys, wrapping });
  expect(readStored(keyRing, stack, secret)).toMatchObject({ value: { keys, wrapping } });
  const seen = readKeyRing(stack, secret);
  expect(seen).toMatchObject({ value: { wrapping } });
  expect(JSON.stringify(seen)).not.toContain(wrapped('mine'));
});

test('a ring whose keys were all taken away is written: no key could be made in their place', () => {
  const secret = secretOf(keyRing, stack, { ...ring, keys: [], wrapping });
  expect(readKeyRing(stack, secret)).toMatchObject({ value: { keys: [], revoked: ring.revoked } });
});

test.each<[string, StoredRing]>([
  [
    'two active keys',
    { ...ring, keys: [...ring.keys, { ...facts('k3'), phase: 'active', activatedAt: 2, privateJwk }] },
  ],
  ['two next keys', { ...ring, keys: [...ring.keys, { ...facts('k3'), phase: 'next', privateJwk }] }],
  ['a kid twice', { ...ring, keys: [...ring.keys, { ...facts('k0'), phase: 'retiring', retiredAt: 3 }] }],
  ['a time that is no number', { ...ring, keys: [{ ...facts('k0'), phase: 'retiring', retiredAt: NaN }] }],
  ['no key, neither there nor taken away', { ...ring, keys: [], revoked: [] }],
  ['a plain private half that is to be wrapped', { ...ring, wrapping }],
  [
    'a private half that is wrapped with another key',
    { ...ring, wrapping, keys: [{ ...facts('k1'), phase: 'active', activatedAt: 2, privateJwk: wrapped('other') }] },
  ],
  [
    'a wrapped private half of which nobody knows with what',
    { ...ring, keys: [{ ...facts('k1'), phase: 'active', activatedAt: 2, privateJwk: wrapped('mine') }] },
  ],
  [
    'a private half that is a text of no wrapped key',
    { ...ring, wrapping, keys: [{ ...facts('k2'), phase: 'next', privateJwk: 'secret' }] },
  ],
  [
    'the public half of another key',
    { ...ring, keys: [{ ...facts('k0'), publicJwk: jwk('k9'), phase: 'retiring', retiredAt: 3 }] },
  ],
])('a ring with %s is never written', (_what, broken) => {
  expect(() => secretOf(keyRing, stack, broken)).toThrow(/write Secret shop-signing-keys: ring\.json/);
});

test.each(['', '{', '{"keys":[{"kid":"secret"}]}', '[]'])('why %j cannot be read never repeats it', (text) => {
  const secret = secretOf(keyRing, stack, ring);
  const seen = readKeyRing(stack, { ...secret, data: { 'ring.json': encodeText(text) } });
  expect(seen).toMatchObject({ state: 'malformed', why: expect.stringMatching(/^ring\.json/) });
  expect(JSON.stringify(seen)).not.toContain('secret');
});

test('of a key set that is partly damaged the keys that can be read remain, without a private member', () => {
  const text = JSON.stringify({ keys: [{ ...jwk('k1'), d: 'secret', priv: 'secret' }, { kid: 'k2' }, 7] });
  expect(decodeJwks(text)).toEqual([jwk('k1')]);
  expect([undefined, '', '{}', 'null'].map((damaged) => decodeJwks(damaged))).toEqual([[], [], [], []]);
});

test('a key set without lifetimes is read, and one with them and with revoked keys reads back as itself', () => {
  const bare = secretOf(publishedKeys, stack, { keys: [jwk('k1')] });
  expect(readStored(publishedKeys, stack, bare)).toMatchObject({ value: { keys: [jwk('k1')] } });
  const value = { keys: [jwk('k1')], lifetimes, revoked: ring.revoked };
  expect(readStored(publishedKeys, stack, secretOf(publishedKeys, stack, value))).toMatchObject({ value });
});
