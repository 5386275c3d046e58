import { randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { AuthError, NotReady } from '../errors.ts';
import type { KeyRing, VerificationKey } from '../keys/key-ring.ts';
import { roles } from '../users/user.ts';
import type { User } from '../users/user.ts';

export class TokenInvalid extends AuthError {
  override readonly code = 'TOKEN_INVALID';
}

/** RFC 9068. */
export type AccessTokenClaims = z.infer<typeof claims>;

export interface AccessTokens {
  issue(user: User, session: TokenSession): IssuedToken;
  /** Signature, type, issuer, audience and times; whether the user may still hold it is another question. */
  verify(token: string): AccessTokenClaims;
}

/** What of a session is in a token. */
export interface TokenSession {
  readonly id: string;
  readonly openedAt: Millis;
}

export interface IssuedToken {
  readonly token: string;
  readonly lifetime: Millis;
}

export interface AccessTokenPorts {
  readonly ring: () => KeyRing | undefined;
  readonly clock: Clock;
  readonly settings: {
    readonly issuer: string;
    readonly audiences: readonly string[];
    readonly accessTokenTtl: Millis;
    readonly clockSkew: Millis;
  };
}

/** The client of RFC 9068 is the stack's own sign-in until clients can be registered. */
export const FIRST_PARTY_CLIENT = 'authstack';
const TYPE = 'at+jwt';
const MAX_BYTES = 8 * 1024;

const header = z.object({
  typ: z.literal(TYPE),
  alg: z.enum(['ES256', 'RS256']),
  kid: z.string().min(1),
  // jsonwebtoken looks at none of these; whoever sends them wants something that we do not do.
  crit: z.never().optional(),
  b64: z.never().optional(),
  jwk: z.never().optional(),
  jku: z.never().optional(),
  x5u: z.never().optional(),
  x5c: z.never().optional(),
});
const claims = z.object({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  iat: z.number(),
  jti: z.string(),
  client_id: z.string(),
  sid: z.string(),
  ver: z.number(),
  roles: z.array(z.enum(roles)),
  auth_time: z.number(),
});

export function createAccessTokens({ ring, clock, settings }: AccessTokenPorts): AccessTokens {
  const { issuer, accessTokenTtl, clockSkew } = settings;
  const [defaultAudience = issuer, ...others] = settings.audiences;
  const audiences: [string, ...string[]] = [defaultAudience, ...others];

  return {
    issue(user, session) {
      const active = ring()?.active;
      if (!active) throw new NotReady('the signing key is');
      const iat = Math.floor(clock.now() / 1000);
      const payload: AccessTokenClaims = {
        iss: issuer,
        sub: user.id,
        aud: audiences.length === 1 ? defaultAudience : audiences,
        exp: iat + accessTokenTtl / 1000,
        iat,
        jti: randomUUID(),
        client_id: FIRST_PARTY_CLIENT,
        sid: session.id,
        ver: user.ver,
        roles: [...user.roles],
        auth_time: Math.floor(session.openedAt / 1000),
      };
      const { algorithm, kid, privateKey } = active;
      const token = jwt.sign(payload, privateKey, { algorithm, header: { alg: algorithm, typ: TYPE, kid } });
      return { token, lifetime: accessTokenTtl };
    },

    verify(token) {
      const key = keyOf(token, ring());
      const now = Math.floor(clock.now() / 1000);
      const verified = checked(() =>
        jwt.verify(token, key.publicKey, {
          algorithms: [key.algorithm],
          issuer,
          audience: audiences,
          clockTimestamp: now,
        }),
      );
      const parsed = claims.safeParse(verified);
      if (!parsed.success) throw new TokenInvalid('the access token lacks a claim');
      if (parsed.data.iat > now + clockSkew / 1000) throw new TokenInvalid('the access token was issued in the future');
      return parsed.data;
    },
  };
}

function keyOf(token: string, ring: KeyRing | undefined): VerificationKey {
  if (!ring) throw new NotReady('the signing keys are');
  if (token.length > MAX_BYTES) throw new TokenInvalid('the access token is too large');
  const [encoded = ''] = token.split('.', 1);
  const parsed = header.safeParse(decodedHeader(encoded));
  if (!parsed.success) throw new TokenInvalid('the header of the access token is invalid');
  const key = ring.byKid.get(parsed.data.kid);
  if (key?.algorithm !== parsed.data.alg) throw new TokenInvalid('the access token is signed by an unknown key');
  return key;
}

function decodedHeader(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function checked(verify: () => unknown): unknown {
  try {
    return verify();
  } catch (cause) {
    const expired = cause instanceof jwt.TokenExpiredError;
    throw new TokenInvalid(expired ? 'the access token has expired' : 'the access token is invalid', { cause });
  }
}
