import jwt from 'jsonwebtoken';
import { checkClaims } from './claims.ts';
import type { AccessTokenClaims } from './claims.ts';
import type { Millis } from './clock.ts';
import { TokenMalformed, TokenSignatureInvalid } from './errors.ts';
import { keyOf } from './header.ts';
import type { Trust, VerificationKey } from './trust.ts';

export interface At {
  readonly now: Millis;
  readonly clockSkewSeconds: number;
}

/** Throws a TokenError of its own for every way in which a token can be wrong. */
export function verifyToken(token: string, { issuer, audience, keys }: Trust, at: At): AccessTokenClaims {
  const payload = signedPayload(token, keyOf(token, keys));
  const now = Math.floor(at.now / 1000);
  return checkClaims(payload, { issuer, audience, now, clockSkew: at.clockSkewSeconds });
}

function signedPayload(token: string, { publicKey, algorithm }: VerificationKey): unknown {
  try {
    // Times are judged with all the other claims, once the signature vouches for them.
    return jwt.verify(token, publicKey, { algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true });
  } catch (cause) {
    // jsonwebtoken parses the payload before it looks at the signature.
    throw cause instanceof SyntaxError ? new TokenMalformed({ cause }) : new TokenSignatureInvalid({ cause });
  }
}
