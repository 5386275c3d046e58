import { isSignedBy } from './algorithms.ts';
import { checkClaims } from './claims.ts';
import type { AccessTokenClaims } from './access-token-claims.ts';
import type { Millis } from './clock.ts';
import { parseCompact, textOf } from './compact.ts';
import { TokenSignatureInvalid } from './errors.ts';
import { keyOf } from './header.ts';
import { parseJson } from './json.ts';
import type { Trust } from './trust.ts';

export interface At {
  readonly now: Millis;
  /** In seconds. */
  readonly clockSkew: number;
}

/**
 * Throws a TokenError of its own for every way in which a token can be wrong. Each step sees only what the one before has
 * admitted, and nothing of the payload is parsed before the signature is verified:
 *
 *     text ─▸ three canonical parts ─▸ header ─▸ key in force ─▸ signature ─▸ claims
 */
export function verifyToken(token: string, { issuer, audience, keys }: Trust, at: At): AccessTokenClaims {
  const { header, payload, signed, signature } = parseCompact(token);
  const key = keyOf(header, keys);
  const isAuthentic = isSignedBy(key, Buffer.from(signed, 'latin1'), Buffer.from(signature, 'base64url'));
  if (!isAuthentic) throw new TokenSignatureInvalid();
  const now = Math.floor(at.now / 1000);
  return checkClaims(parseJson(textOf(payload)), { issuer, audience, now, clockSkew: at.clockSkew });
}
