import { generateKeyPairSync } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createVerifier } from './index.ts';
import { readKeySet } from './jwks.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { claimsAt, signingKey, tokenOf } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';

const key = signingKey('k1');
const rsa = signingKey('r1', 'RS256');
const other = signingKey('x1');
const mldsa = signingKey('x1', 'ML-DSA-44');

const p384 = publicJwk('ec', { namedCurve: 'P-384' });
const secp256k1 = publicJwk('ec', { namedCurve: 'secp256k1' });
const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' });
const mldsa65 = generateKeyPairSync('ml-dsa-65').publicKey.export({ format: 'jwk' });
const ed448 = generateKeyPairSync('ed448').publicKey.export({ format: 'jwk' });
const shortRsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });

function publicJwk(type: 'ec', options: { readonly namedCurve: string }): JsonWebKey {
  return generateKeyPairSync(type, options).publicKey.export({ format: 'jwk' });
}

const x1 = { kid: 'x1', use: 'sig' };
const ignored: readonly [string, unknown, string][] = [
  // What this version does not know
  ['an unknown type', { ...x1, kty: 'SLH', alg: 'SLH-DSA-SHA2-128s', pub: 'AA' }, 'x1 is for none of ES256, RS256'],
  [
    'an unknown type that claims a known algorithm',
    { ...x1, kty: 'SLH', alg: 'ES256', pub: 'AA' },
    'x1 is not a public',
  ],
  ['a key of ML-DSA-65', { ...x1, ...mldsa65 }, 'x1 is for none of'],
  ['a key of ML-DSA-65 for ML-DSA-44', { ...x1, ...mldsa65, alg: 'ML-DSA-44' }, 'x1 is not a public key'],
  ['an AKP key for ES256', { ...mldsa.publicJwk, alg: 'ES256' }, 'x1 is not a public key'],
  ['an EC key for ML-DSA-44', { ...other.publicJwk, alg: 'ML-DSA-44' }, 'x1 is not a key for ML-DSA-44'],
  ['an AKP key without alg', { ...mldsa.publicJwk, alg: undefined }, 'x1 is for none of'],
  ['an AKP key that is too short', { ...mldsa.publicJwk, pub: 'AA' }, 'x1 is not a public key'],
  ['an AKP key that is too long', { ...mldsa.publicJwk, pub: 'A'.repeat(1754) }, 'x1 is not a public key'],
  ['a key of P-384', { ...x1, ...p384, alg: 'ES384' }, 'x1 is for none of'],
  ['a key of P-384 for ES256', { ...x1, ...p384, alg: 'ES256' }, 'x1 is not a key for ES256'],
  ['a key of secp256k1', { ...x1, ...secp256k1, alg: 'ES256K' }, 'x1 is for none of'],
  ['a key of Ed448', { ...x1, ...ed448, alg: 'EdDSA' }, 'x1 is not a key for EdDSA'],
  ['a key of X25519', { ...x1, ...x25519, alg: 'Ed25519' }, 'x1 is not a key for Ed25519'],
  ['an unknown curve', { ...other.publicJwk, crv: 'P-257' }, 'x1 is not a public key'],
  ['an RSA key for PS256', { ...rsa.publicJwk, kid: 'x1', alg: 'PS256' }, 'x1 is for none of'],
  ['a key without alg', { ...other.publicJwk, alg: undefined }, 'x1 is for none of'],
  ['an alg that is a list', { ...other.publicJwk, alg: ['ES256'] }, 'x1 is for none of'],
  ['an alg named like a member of every object', { ...other.publicJwk, alg: 'toString' }, 'x1 is for none of'],
  // What is for something else
  ['a key for encryption', { ...other.publicJwk, use: 'enc' }, 'x1 is not for signatures (use)'],
  ['a use that is a list', { ...other.publicJwk, use: ['sig'] }, 'x1 is not for signatures (use)'],
  ['foreign key_ops', { ...other.publicJwk, key_ops: ['deriveKey'] }, 'x1 is not for verifying (key_ops)'],
  ['key_ops of the other half', { ...other.publicJwk, key_ops: ['sign'] }, 'x1 is not for verifying (key_ops)'],
  ['key_ops as text', { ...other.publicJwk, key_ops: 'verify' }, 'x1 is not for verifying (key_ops)'],
  // What is broken, or too weak
  ['no object', 'x1', 'key 2 is not an object'],
  ['null', null, 'key 2 is not an object'],
  ['no kid', { ...other.publicJwk, kid: undefined }, 'key 2 has no kid'],
  ['a kid that is a number', { ...other.publicJwk, kid: 1 }, 'key 2 has no kid'],
  ['a missing member', { ...other.publicJwk, y: undefined }, 'x1 is not a public key'],
  ['a point that is not on the curve', { ...other.publicJwk, y: other.publicJwk.x }, 'x1 is not a public key'],
  ['a key of another type than its algorithm', { ...other.publicJwk, alg: 'RS256' }, 'x1 is not a key for RS256'],
  ['a short RSA key', { ...x1, ...shortRsa, alg: 'RS256' }, 'x1 is not a key for RS256'],
  ['an RSA key whose exponent is one', { ...rsa.publicJwk, kid: 'x1', e: 'AQ' }, 'x1 is not a'],
  ['an RSA key whose exponent is three', { ...rsa.publicJwk, kid: 'x1', e: 'Aw' }, 'x1 is not a key for RS256'],
  // What must not be there
  ['a private key', { ...other.privateKey.export({ format: 'jwk' }), ...x1, alg: 'ES256' }, 'x1 is a private key'],
  ['a secret key', { ...x1, kty: 'oct', alg: 'HS256', k: 'AA' }, 'x1 is a private key'],
  ['a private ML-DSA-44 key', { ...mldsa.privateKey.export({ format: 'jwk' }), ...x1 }, 'x1 is a private key'],
  ['a private key of an unknown type', { ...x1, kty: 'SLH', alg: 'SLH-DSA', priv: 'AA' }, 'x1 is a private key'],
  ['the kid of the key after it', { ...other.publicJwk, kid: 'r1' }, 'r1 occurs more than once'],
];

test.each(ignored)('one key that is not usable spoils no other, and the reason is told: %s', (_what, jwk, reason) => {
  const set = readKeySet({ keys: [key.publicJwk, jwk, rsa.publicJwk] });
  const stays = reason.startsWith('r1') ? ['k1'] : ['k1', 'r1'];
  expect([...(set?.keys.keys() ?? [])]).toEqual(stays);
  expect(set?.ignored).toEqual([expect.stringContaining(reason)]);
});

test.each<[string, object]>([
  ['members that nobody knows', { ...key.publicJwk, x5t: 'AA', iat: 1, nested: { d: 1 } }],
  ['no use', { ...key.publicJwk, use: undefined }],
  ['key_ops with verify among others', { ...key.publicJwk, key_ops: ['verify', 'future'] }],
])('a key is used with %s', (_what, jwk) => {
  expect(readKeySet({ keys: [jwk] })).toMatchObject({ keys: new Map([['k1', { algorithm: 'ES256' }]]), ignored: [] });
});

test('whatever stands beside it, a usable key stays in force, and no reason repeats what is in a key', () => {
  const strange = fc.oneof(
    fc.json().map((text) => JSON.parse(text) as unknown),
    fc
      .dictionary(
        fc.constantFrom('kty', 'crv', 'alg', 'use', 'key_ops', 'x', 'y', 'n', 'e', 'd', 'pub', 'priv'),
        fc.jsonValue(),
      )
      .map((members) => ({ ...other.publicJwk, ...members })),
  );
  fc.assert(
    fc.property(fc.array(strange), fc.array(strange), (before, after) => {
      const set = readKeySet({ keys: [...before, key.publicJwk, ...after] });
      expect(set?.keys.get('k1')?.algorithm).toBe('ES256');
      for (const reason of set?.ignored ?? []) expect(reason).toMatch(/^(key \d+|x1) (is|has|occurs) [\w ,;()-]+$/);
    }),
    { numRuns: 300 },
  );
});

test('a verifier says which keys it ignores, and takes a set without usable keys as no keys at all', async () => {
  const clock = new FakeClock();
  await using mount = await secretMount(consumerSecret([key]));
  using verifier = createVerifier({ directory: mount.directory, clock });
  const token = tokenOf(key, claimsAt(clock));
  const swapTo = async (...keys: readonly unknown[]): Promise<void> => {
    await mount.swap(consumerSecret([], { 'jwks.json': JSON.stringify({ keys }) }));
    clock.advance(1_000);
  };

  await swapTo(key.publicJwk, { ...other.publicJwk, use: 'enc' });
  expect(verifier.status).toMatchObject({
    state: 'ready',
    kids: ['k1'],
    ignoredKeys: ['x1 is not for signatures (use)'],
  });
  expect(verifier.verify(token)).toMatchObject({ id: 'user-1' });

  // A key that has been taken out of the set is never in force, whatever came in its place.
  await swapTo({ ...x1, kty: 'SLH', alg: 'SLH-DSA', pub: 'AA' });
  expect(verifier.status).toEqual({
    state: 'waiting',
    reason: expect.stringMatching(/jwks.json has no key that can be used \(x1 is for none of .*\)$/),
  });
  expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ code: 'VERIFIER_NOT_READY', status: 503 }));
});
