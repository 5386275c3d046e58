import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { keyPairs, ringKey } from '../testing/world.ts';
import type { RingKey } from '../testing/world.ts';
import { KeyRingUnusable, parseKeyRing } from './key-ring.ts';
import type { MountedRing, SigningAlgorithm } from './key-ring.ts';

const active = ringKey('k1', 'active');
const next = ringKey('k2', 'next');
const retiring = ringKey('k0', 'retiring');
const post = ringKey('k4', 'next', 'ML-DSA-44');

function ringOf(...keys: readonly object[]): MountedRing {
  return parseKeyRing(JSON.stringify({ keys }));
}

function jwkOf(key: RingKey, change: object = {}): { readonly publicJwk: object } {
  return { publicJwk: { ...(key['publicJwk'] as object), ...change } };
}

const akp = { kty: 'AKP', alg: 'ML-DSA-65', pub: 'AAAA', kid: 'k9', use: 'sig' };
const mldsa65 = { ...ringKey('k9', 'next'), algorithm: 'ML-DSA-65', publicJwk: akp };
const encrypting = { ...ringKey('k9', 'next'), ...jwkOf(ringKey('k9', 'next'), { use: 'enc' }) };
const agreeing = { ...ringKey('k9', 'next'), ...jwkOf(ringKey('k9', 'next'), { key_ops: ['deriveKey'] }) };
const revoked = { ...ringKey('k9', 'retiring'), phase: 'revoked' };

test.each([
  ['a phase', revoked, 'ES256', 'this version does not know the phase revoked'],
  ['an algorithm', mldsa65, 'ML-DSA-65', 'this version does not know the algorithm ML-DSA-65'],
  ['a use', encrypting, 'ES256', 'its use is enc, not sig'],
  ['operations', agreeing, 'ES256', 'its key_ops do not include verify'],
])('a key with %s that this version does not know is neither published nor accepted', (...of) => {
  const [, foreign, algorithm, reason] = of;
  const ring = ringOf(active, foreign, next);
  expect(ring.active.kid).toBe('k1');
  expect(ring.jwks.keys.map(({ kid }) => kid)).toEqual(['k1', 'k2']);
  expect([...ring.byKid.keys()]).toEqual(['k1', 'k2']);
  expect(ring.held).toContainEqual({ kid: 'k9', algorithm, phase: 'ignored', reason });
});

test.each([
  ['an unknown algorithm', { ...mldsa65, phase: 'active' }, /active key k9 .*algorithm ML-DSA-65/],
  ['another use', { ...encrypting, phase: 'active' }, /active key k9 .*use is enc/],
  ['a private half for something else', unsigning({ key_ops: ['decrypt'] }), /k1 .*not for signing/],
  ['a private half of another use', unsigning({ use: 'enc' }), /k1 .*not for signing/],
])('a ring whose active key has %s is refused: nothing could sign', (_what, key, why) => {
  expect(() => ringOf(key, next)).toThrow(why);
});

function unsigning(change: object): object {
  return { ...active, privateJwk: { ...(active['privateJwk'] as object), ...change } };
}

const { publicKey: p384 } = generateKeyPairSync('ec', { namedCurve: 'P-384' });

test.each<[string, readonly object[], RegExp]>([
  ['no kid', [active, { ...next, kid: '' }], /^ring\.keys\.1\.kid/],
  ['no phase', [active, { ...next, phase: 7 }], /^ring\.keys\.1\.phase/],
  ['no algorithm', [active, { ...next, algorithm: undefined }], /^ring\.keys\.1\.algorithm/],
  ['no public half', [active, { ...retiring, publicJwk: undefined }], /^ring\.keys\.1\.publicJwk/],
  ['no use', [active, { ...next, ...jwkOf(next, { use: undefined }) }], /^key k2\.publicJwk\.use/],
  ['key_ops that are no list', [active, { ...next, ...jwkOf(next, { key_ops: 'verify' }) }], /key_ops/],
  ['a curve of another algorithm', [active, { ...next, ...jwkOf(next, p384.export({ format: 'jwk' })) }], /^key k2/],
  ['a public half that is too short', [active, { ...post, ...jwkOf(post, { pub: 'AAAA' }) }], /^key k4.*1312 bytes/],
  ['a padded public half', [active, { ...post, ...jwkOf(post, { pub: `${'A'.repeat(1749)}=` }) }], /^key k4/],
  ['a post-quantum half for another algorithm', [active, { ...post, ...jwkOf(post, { alg: 'ES256' }) }], /^key k4/],
  ['a public half of another kid', [active, { ...next, ...jwkOf(active) }], /key k2: its public half is of another/],
  ['a kid twice, once in an unknown phase', [active, { ...retiring, kid: 'k1', phase: 'revoked' }], /kid occurs twice/],
  ['two active keys', [active, { ...ringKey('k3', 'active') }], /more than one key is active/],
  ['no active key', [next, retiring], /no key is active/],
])('a known kind of key with %s is a fault of the ring', (_what, keys, why) => {
  expect(() => ringOf(...keys)).toThrow(why);
  expect(() => ringOf(...keys)).toThrow(KeyRingUnusable);
});

test('an active key whose private half is another one is refused, also where its public members are right', () => {
  const { privateJwk: other } = ringKey('k1', 'active');
  const { d } = other as { d: string };
  expect(() => ringOf({ ...active, privateJwk: other })).toThrow(/k1: its halves do not belong together/);
  const mixed = { ...active, privateJwk: { ...(active['privateJwk'] as object), d } };
  expect(() => ringOf(mixed)).toThrow(/k1: its halves do not belong together/);

  const signing = { ...post, phase: 'active' };
  const { priv } = ringKey('k4', 'active', 'ML-DSA-44')['privateJwk'] as { priv: string };
  const seeded = { ...signing, privateJwk: { ...(post['privateJwk'] as object), priv } };
  expect(() => ringOf(seeded)).toThrow(/k4: its halves do not belong together/);
});

test('members that a newer operator adds change nothing', () => {
  const ring = parseKeyRing(
    JSON.stringify({
      keys: [{ ...active, ...jwkOf(active, { x5t: 'x' }), attested: true }],
      lifetimes: {},
      version: 2,
    }),
  );
  expect(ring.jwks.keys).toEqual([active['publicJwk']]);
});

test('whatever unknown keys a ring holds, it does what it would do without them', () => {
  const known = [active, next, retiring];
  const bare = ringOf(...known);
  const word = fc.string({ minLength: 1, maxLength: 32 });
  const foreign = fc.record({
    kid: fc.uuid(),
    phase: fc.oneof(word, fc.constantFrom('next', 'active', 'retiring', '__proto__', 'toString')),
    algorithm: word.filter((text) => !Object.hasOwn(keyPairs, text)),
    publicJwk: fc.dictionary(fc.constantFrom('kty', 'crv', 'x', 'n', 'd'), fc.jsonValue()),
  });
  const key = (each: RingKey) => each as unknown;
  fc.assert(
    fc.property(fc.uniqueArray(foreign, { selector: ({ kid }) => kid, maxLength: 5 }), fc.nat(3), (unknownKeys, at) => {
      const ring = ringOf(...(known.map(key).toSpliced(at, 0, ...unknownKeys) as object[]));
      expect(ring.jwks).toEqual(bare.jwks);
      expect([...ring.byKid.keys()]).toEqual([...bare.byKid.keys()]);
      expect(ring.active.kid).toBe(bare.active.kid);
      expect(ring.held.filter(({ phase }) => phase === 'ignored')).toHaveLength(unknownKeys.length);
    }),
  );
});

const algorithms = Object.keys(keyPairs) as SigningAlgorithm[];
const pairs = algorithms.flatMap((algorithm) => algorithms.map((other) => [algorithm, other] as const));

test.each(pairs)(
  'a key for %s signs with its own halves, and with one of %s only if that is the same key',
  (...[algorithm, other]) => {
    const key = ringKey('k1', 'active', algorithm);
    const foreign = ringKey('k1', 'active', other);
    expect(ringOf(key).active).toMatchObject({ kid: 'k1', algorithm });
    for (const half of ['publicJwk', 'privateJwk'] as const) {
      expect(() => ringOf({ ...key, [half]: foreign[half] })).toThrow(KeyRingUnusable);
    }
    const renamed = { ...foreign, algorithm, ...jwkOf(foreign, { alg: algorithm }) };
    if (other === algorithm) expect(ringOf(renamed).active.algorithm).toBe(algorithm);
    else expect(() => ringOf(renamed)).toThrow(KeyRingUnusable);
  },
);

test.each(algorithms)('a private half in the place of the public one is not published: %s', (algorithm) => {
  const key = ringKey('k1', 'active', algorithm);
  const { jwks, byKid } = ringOf({ ...key, ...jwkOf(key, key['privateJwk'] as object) });
  expect(jwks.keys).toEqual([key['publicJwk']]);
  expect(byKid.get('k1')?.publicKey.type).toBe('public');
});

test('no message holds what is private', () => {
  const secret = 'top-secret';
  const spoilt = { ...active, privateJwk: { ...(active['privateJwk'] as object), d: secret } };
  for (const text of [JSON.stringify({ keys: [spoilt] }), `{"keys": [{"privateJwk": {"d": "${secret}"`]) {
    expect(() => parseKeyRing(text)).toThrow(KeyRingUnusable);
    expect(() => parseKeyRing(text)).not.toThrow(secret);
  }
});
