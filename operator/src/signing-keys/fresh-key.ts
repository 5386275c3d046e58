import { createHash, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Millis } from '../runtime/objects.ts';
import { publicJwkSchema } from '../stored/jwks.ts';
import type { Algorithm } from '../stored/key-ring.ts';
import type { FreshKey } from './edit.ts';

const keyPairs = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
  /** RFC 8037. */
  EdDSA: () => generateKeyPairSync('ed25519'),
  /** RFC 9964; the JWK's private half is the seed, 32 bytes, of which all the rest is computed. */
  'ML-DSA-44': () => generateKeyPairSync('ml-dsa-44'),
} as const satisfies Readonly<Record<Algorithm, unknown>>;

/** What of a public key its thumbprint is of, by its type, in the order of the alphabet. */
const thumbprintMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  RSA: ['e', 'kty', 'n'],
  OKP: ['crv', 'kty', 'x'],
  AKP: ['alg', 'kty', 'pub'],
};

/** A key pair as JWKs (RFC 7517); its kid is its thumbprint (RFC 7638). */
export function freshKey(algorithm: Algorithm, publishedAt: Millis): FreshKey {
  return keyOfPair(keyPairs[algorithm](), { algorithm, publishedAt });
}

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The same of a pair that is there already, which may have another kid. */
export function keyOfPair(
  pair: KeyPair,
  { algorithm, publishedAt, kid: given }: Pick<FreshKey, 'algorithm' | 'publishedAt'> & Partial<Pick<FreshKey, 'kid'>>,
): FreshKey {
  const bare = pair.publicKey.export({ format: 'jwk' }) as Record<string, string>;
  const kid = given ?? thumbprint(bare);
  const common = { kid, alg: algorithm, use: 'sig' } as const;
  return {
    kid,
    phase: 'next',
    algorithm,
    publishedAt,
    publicJwk: publicJwkSchema.parse({ ...bare, ...common }),
    privateJwk: { ...pair.privateKey.export({ format: 'jwk' }), ...common },
  };
}

export function thumbprint(jwk: Readonly<Record<string, string>>): string {
  const required = thumbprintMembers[jwk['kty'] ?? ''];
  if (!required) throw new TypeError(`no thumbprint is defined for a key of type ${jwk['kty']}`);
  const canonical = JSON.stringify(Object.fromEntries(required.map((member) => [member, jwk[member]])));
  return createHash('sha256').update(canonical).digest('base64url');
}
