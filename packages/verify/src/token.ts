import { isSignedBy } from './algorithms.ts';
import type { VerificationKey } from './algorithms.ts';
import { checkClaims } from './claims.ts';
import type { AccessTokenClaims } from './access-token-claims.ts';
import type { Millis } from './clock.ts';
import { parseCompact, signatureBytesOf, signedBytesOf, textOf } from './compact.ts';
import { TokenSignatureInvalid } from './errors.ts';
import { keyOf } from './header.ts';
import { parseJson } from './json.ts';

/** Whose tokens, and for whom. */
export interface Accepted {
  readonly issuer: string;
  /** A token must be for one of them. */
  readonly audiences: readonly string[];
  /** In force, by kid. */
  readonly keys: ReadonlyMap<string, VerificationKey>;
}

export interface At {
  readonly now: Millis;
  /** In seconds. */
  readonly clockSkew: number;
}

/**
 * Throws a TokenError of its own for every way in which a token can be wrong. Each step sees only what the one before has
 * admitted, and nothing of the payload is parsed before the signature is verified.
 *
 * The one parser of access tokens: consumers have it behind `createVerifier`, the auth service calls it itself.
 *
 *     text ─▸ three canonical parts ─▸ header ─▸ key in force ─▸ signature ─▸ claims
 */
export function verifyToken(token: string, { issuer, audiences, keys }: Accepted, at: At): AccessTokenClaims {
  const parts = parseCompact(token);
  const key = keyOf(parts.header, keys);
  if (!isSignedBy(key, signedBytesOf(parts), signatureBytesOf(parts))) throw new TokenSignatureInvalid();
  const now = Math.floor(at.now / 1000);
  return checkClaims(parseJson(textOf(parts.payload)), { issuer, audiences, now, clockSkew: at.clockSkew });
}
