import { randomUUID, sign } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { TokenError } from '@authstack/verify';
import type { AccessTokenClaims as VerifiedClaims } from '@authstack/verify';
import { verifyToken } from '@authstack/verify/token';
import { TokenCache } from '@authstack/verify/token-cache';
import { AuthError, NotReady } from '../errors.ts';
import type { KeyRing, SigningKey } from '../keys/key-ring.ts';
import type { KeysInUse } from '../keys/loaded-keys.ts';
import { roles } from '../users/user.ts';
import type { User } from '../users/user.ts';

export class TokenInvalid extends AuthError {
  override readonly code = 'TOKEN_INVALID';
}

/** RFC 9068. */
export interface AccessTokenClaims extends VerifiedClaims {
  readonly roles: readonly User['roles'][number][];
  readonly auth_time: number;
}

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
  readonly keys: KeysInUse;
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

/** What the tokens of this service have beyond those of any stack. */
const ours = z.object({ roles: z.array(z.enum(roles)), auth_time: z.number() });

/** So many are verified once, for as long as the ring is the same and they have not expired. */
const CACHED_TOKENS = 5_000;

interface VerifiedUser {
  readonly id: string;
  readonly sessionId: string;
  readonly claims: AccessTokenClaims;
}

export function createAccessTokens({ keys, clock, settings }: AccessTokenPorts): AccessTokens {
  const { issuer, accessTokenTtl, clockSkew } = settings;
  const [defaultAudience = issuer, ...others] = settings.audiences;
  const audiences = [defaultAudience, ...others];
  let cache = new TokenCache<VerifiedUser>(CACHED_TOKENS);
  let cachedFor: KeyRing | undefined;

  /** What an earlier ring vouched for must be verified again. */
  function cacheOf(current: KeyRing): TokenCache<VerifiedUser> {
    if (current !== cachedFor) cache = new TokenCache(CACHED_TOKENS);
    cachedFor = current;
    return cache;
  }

  return {
    issue(user, session) {
      const active = keys.current()?.active;
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
      const token = signed(payload, active);
      keys.signed(active.kid);
      return { token, lifetime: accessTokenTtl };
    },

    verify(token) {
      const current = keys.current();
      if (!current) throw new NotReady('the signing keys are');
      const now = clock.now();
      const cached = cacheOf(current);
      const known = cached.get(token, now);
      if (known) return known.claims;
      const accepted = { issuer, audiences, keys: current.byKid };
      const claims = checked(() => verifyToken(token, accepted, { now, clockSkew: clockSkew / 1000 }));
      const user = { id: claims.sub, sessionId: claims.sid, claims };
      cached.set(token, user, { until: claims.exp * 1000 + clockSkew, now });
      return claims;
    },
  };
}

function signed(payload: AccessTokenClaims, { algorithm, kid, privateKey }: SigningKey): string {
  const header = { alg: algorithm, typ: TYPE, kid };
  switch (algorithm) {
    case 'ES256':
    case 'RS256':
      return jwt.sign(payload, privateKey, { algorithm, header });
    case 'EdDSA':
    case 'ML-DSA-44': {
      // jsonwebtoken knows no such algorithm; both sign the text as it is, without a digest.
      const text = `${base64url(header)}.${base64url(payload)}`;
      return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
    }
  }
}

function base64url(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** The messages are for the client, and hold nothing that it sent. */
function checked(verify: () => VerifiedClaims): AccessTokenClaims {
  const verified = verifiedBy(verify);
  const parsed = ours.safeParse(verified);
  if (!parsed.success) throw new TokenInvalid('the access token has a role that does not exist, or no auth_time');
  return { ...verified, ...parsed.data };
}

function verifiedBy(verify: () => VerifiedClaims): VerifiedClaims {
  try {
    return verify();
  } catch (cause) {
    if (!(cause instanceof TokenError)) throw cause;
    throw new TokenInvalid(cause.message, { cause });
  }
}
