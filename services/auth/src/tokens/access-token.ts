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
import { claimsOf, headerOf } from './claims.ts';
import type { AccessTokenClaims } from './claims.ts';
import { COOKIE_BYTES, cookieBytes } from './token-size.ts';

export class TokenInvalid extends AuthError {
  override readonly code = 'TOKEN_INVALID';
}

/** A browser would drop the cookie without a word, and the next request would be nobody's. */
export class CookieTooLarge extends AuthError {
  override readonly code = 'COOKIE_TOO_LARGE';

  constructor(bytes: number) {
    super(
      `the access token and the name of its cookie have ${bytes} bytes, and browsers drop a cookie of more than ${COOKIE_BYTES}; ` +
        'whoever runs this site must remove audiences or change spec.signingKeys.algorithm',
    );
  }
}

export interface AccessTokens {
  /**
   * @throws CookieTooLarge where it goes to a browser, and a browser would not keep it
   */
  issue(user: User, session: TokenSession): IssuedToken;
  /**
   * Before there is a session that nobody gets a token of.
   *
   * @throws CookieTooLarge
   */
  mustFit(user: User, session: Pick<TokenSession, 'id' | 'delivery'>): void;
  /** Signature, type, issuer, audience and times; whether the user may still hold it is another question. */
  verify(token: string): AccessTokenClaims;
}

/** What of a session is in a token. */
export interface TokenSession {
  readonly id: string;
  readonly openedAt: Millis;
  /** Where the token goes: a browser keeps it as a cookie. */
  readonly delivery: 'cookie' | 'body';
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
  const addressed = { issuer, audiences: [defaultAudience, ...others] };
  let cache = new TokenCache<VerifiedUser>(CACHED_TOKENS);
  let cachedFor: KeyRing | undefined;

  /** What an earlier ring vouched for must be verified again. */
  function cacheOf(current: KeyRing): TokenCache<VerifiedUser> {
    if (current !== cachedFor) cache = new TokenCache(CACHED_TOKENS);
    cachedFor = current;
    return cache;
  }

  /** What a token says that is issued now, and the key that signs it. */
  function drafted(user: User, session: TokenSession): Draft {
    const key = keys.current()?.active;
    if (!key) throw new NotReady('the signing key is');
    const iat = Math.floor(clock.now() / 1000);
    const exp = iat + accessTokenTtl / 1000;
    const authTime = Math.floor(session.openedAt / 1000);
    const claims = claimsOf(addressed, { user, sessionId: session.id, authTime, iat, exp, jti: randomUUID() });
    if (session.delivery === 'cookie') requireCookie(claims, key);
    return { claims, key };
  }

  return {
    issue(user, session) {
      const { claims, key } = drafted(user, session);
      const token = signed(claims, key);
      keys.signed(key.kid);
      return { token, lifetime: accessTokenTtl };
    },

    mustFit(user, session) {
      drafted(user, { ...session, openedAt: clock.now() });
    },

    verify(token) {
      const current = keys.current();
      if (!current) throw new NotReady('the signing keys are');
      const now = clock.now();
      const cached = cacheOf(current);
      const known = cached.get(token, now);
      if (known) return known.claims;
      const accepted = { ...addressed, keys: current.byKid };
      const claims = checked(() => verifyToken(token, accepted, { now, clockSkew: clockSkew / 1000 }));
      const user = { id: claims.sub, sessionId: claims.sid, claims };
      cached.set(token, user, { until: claims.exp * 1000 + clockSkew, now });
      return claims;
    },
  };
}

interface Draft {
  readonly claims: AccessTokenClaims;
  readonly key: SigningKey;
}

function requireCookie(claims: AccessTokenClaims, { algorithm, kid, privateKey }: SigningKey): void {
  const { modulusLength: modulusBits } = privateKey.asymmetricKeyDetails ?? {};
  const bytes = cookieBytes({ algorithm, kid, modulusBits }, claims);
  if (bytes > COOKIE_BYTES) throw new CookieTooLarge(bytes);
}

function signed(claims: AccessTokenClaims, key: SigningKey): string {
  const { algorithm, privateKey } = key;
  const header = headerOf(key);
  switch (algorithm) {
    case 'ES256':
    case 'RS256':
      return jwt.sign(claims, privateKey, { algorithm, header });
    case 'EdDSA':
    case 'ML-DSA-44': {
      // jsonwebtoken knows no such algorithm; both sign the text as it is, without a digest.
      const text = `${base64url(header)}.${base64url(claims)}`;
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
