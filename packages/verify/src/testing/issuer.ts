import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { JsonWebKey, KeyObject, KeyPairKeyObjectResult } from 'node:crypto';
import type { Algorithm } from '../algorithms.ts';
import type { Clock } from '../clock.ts';

export const ISSUER = 'https://shop.example.com';
export const AUDIENCE = 'shop';

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly publicJwk: JsonWebKey & { readonly kid: string };
}

const keyPairs: Readonly<Record<Algorithm, () => KeyPairKeyObjectResult>> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  Ed25519: () => generateKeyPairSync('ed25519'),
  'ML-DSA-44': () => generateKeyPairSync('ml-dsa-44'),
};

export function signingKey(kid: string, algorithm: Algorithm = 'ES256'): SigningKey {
  const { privateKey, publicKey } = keyPairs[algorithm]();
  const publicJwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' };
  return { kid, algorithm, privateKey, publicKey, publicJwk };
}

export function jwksOf(...keys: readonly SigningKey[]): string {
  return JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) });
}

type Json = Readonly<Record<string, unknown>>;

export function claimsAt(clock: Clock): Json {
  const now = Math.floor(clock.now() / 1000);
  return {
    iss: ISSUER,
    sub: 'user-1',
    aud: AUDIENCE,
    exp: now + 1800,
    iat: now,
    jti: 'token-1',
    client_id: 'authstack',
    sid: 'session-1',
    ver: 1,
    roles: ['user'],
    auth_time: now,
  };
}

/** Signs whatever it is given, however wrong; made of node:crypto alone, so that it can make what no library would. */
export function tokenOf(key: SigningKey, claims: Json, header: Json = {}): string {
  const input = `${part({ alg: key.algorithm, typ: 'at+jwt', kid: key.kid, ...header })}.${part(claims)}`;
  return `${input}.${signature(key, input)}`;
}

export function signature({ privateKey }: SigningKey, input: string): string {
  // ES256 and RS256 are of SHA-256, node:crypto's own choice for such keys; the others take no digest.
  return sign(null, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}

/** The classic: the public key, known to all, taken for the secret of an HMAC. */
export function hmacTokenOf(key: SigningKey, claims: Json): string {
  const secret = key.publicKey.export({ type: 'spki', format: 'pem' });
  const input = `${part({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })}.${part(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}
