import { cookieNames } from '../api.ts';
import { roles } from '../users/user.ts';
import { claimsOf, headerOf } from './claims.ts';
import type { Addressed, AccessTokenClaims } from './claims.ts';

/*
 * An access token goes to browsers as a cookie, and they drop a cookie that is too large without a word: the sign-in succeeds, and the
 * next request is nobody's. How long a token gets is known beforehand; here is the only place that counts.
 *
 *   __Host-token=  header . claims . signature        each in base64url: four characters for three bytes
 *                     │        │         └── of its key: 64 bytes for ES256, 2420 for ML-DSA-44
 *                     │        └── issuer and audiences of the spec, and what is bounded for every user
 *                     └── algorithm and kid
 */

/** RFC 6265bis, section 5.7: name and value of a cookie together. Its attributes count apart from it. */
export const COOKIE_BYTES = 4096;

export interface SizedKey {
  readonly algorithm: 'ES256' | 'RS256' | 'EdDSA' | 'ML-DSA-44';
  readonly kid: string;
  /** Of an RSA key. */
  readonly modulusBits?: number | undefined;
}

/** A thumbprint (RFC 7638), as the operator names the keys that it makes. */
const OWN_KID = 'k'.repeat(43);
const OWN_RSA_BITS = 3072;

/** A key as the operator makes it. */
export function ownKey(algorithm: SizedKey['algorithm']): SizedKey {
  return { algorithm, kid: OWN_KID, modulusBits: OWN_RSA_BITS };
}

/** How many bytes a cookie has, name and value, with a token of these claims that the key has signed. */
export function cookieBytes(key: SizedKey, claims: AccessTokenClaims): number {
  return bytesWithoutClaims(key, claims.iss) + base64urlLength(jsonBytes(claims));
}

/** The most that it has for any user of the stack. */
export function largestCookie(key: SizedKey, addressed: Addressed): number {
  return cookieBytes(key, largestClaims(addressed));
}

/** How many bytes issuer and audiences may have together in the claims, quotes and commas included, for it to fit. */
export function roomForAddressed(key: SizedKey): number {
  const issuer = 'https://';
  const claims = largestClaims({ issuer, audiences: [''] });
  const forClaims = Math.floor(((COOKIE_BYTES - bytesWithoutClaims(key, issuer)) * 3) / 4);
  return forClaims - (jsonBytes(claims) - jsonBytes(issuer) - jsonBytes(''));
}

/** Every role, times of the next centuries, a `ver` beyond any; ids of the length that they all have. */
function largestClaims(addressed: Addressed): AccessTokenClaims {
  const time = 9_999_999_999;
  return claimsOf(addressed, {
    user: { id: 'f'.repeat(24), roles, ver: Number.MAX_SAFE_INTEGER },
    sessionId: 's'.repeat(22),
    jti: '00000000-0000-4000-8000-000000000000',
    ...{ authTime: time, iat: time, exp: time },
  });
}

function bytesWithoutClaims(key: SizedKey, issuer: string): number {
  const { token: name } = cookieNames({ issuer, inlineRefresh: true });
  const dots = 2;
  return name.length + base64urlLength(jsonBytes(headerOf(key))) + base64urlLength(signatureBytes(key)) + dots;
}

/** RFC 7518 section 3, RFC 8037, RFC 9964. */
function signatureBytes({ algorithm, modulusBits = OWN_RSA_BITS }: SizedKey): number {
  switch (algorithm) {
    case 'ES256':
    case 'EdDSA':
      return 64;
    case 'RS256':
      return Math.ceil(modulusBits / 8);
    case 'ML-DSA-44':
      return 2420;
  }
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function base64urlLength(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}
