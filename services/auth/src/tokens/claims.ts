import type { AccessTokenClaims as VerifiedClaims } from '@authstack/verify';
import type { Role, User } from '../users/user.ts';

/** RFC 9068. */
export interface AccessTokenClaims extends VerifiedClaims {
  readonly roles: readonly Role[];
  readonly auth_time: number;
}

export interface TokenHeader {
  readonly alg: string;
  readonly typ: typeof TYPE;
  readonly kid: string;
}

const TYPE = 'at+jwt';
/** The client of RFC 9068 is the stack's own sign-in until clients can be registered. */
const FIRST_PARTY_CLIENT = 'authstack';

export function headerOf({ algorithm, kid }: { readonly algorithm: string; readonly kid: string }): TokenHeader {
  return { alg: algorithm, typ: TYPE, kid };
}

/** Whose tokens, and for whom: all of a token that the spec of the stack decides. */
export interface Addressed {
  readonly issuer: string;
  /** The first is the default. */
  readonly audiences: readonly string[];
}

/** All of a token that a user, a session and a moment decide; times are in seconds. */
export interface Granted {
  readonly user: Pick<User, 'id' | 'roles' | 'ver'>;
  readonly sessionId: string;
  readonly authTime: number;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
}

export function claimsOf({ issuer, audiences }: Addressed, granted: Granted): AccessTokenClaims {
  const { user, sessionId, authTime, iat, exp, jti } = granted;
  const [defaultAudience = issuer, ...others] = audiences;
  return {
    iss: issuer,
    sub: user.id,
    aud: others.length === 0 ? defaultAudience : [...audiences],
    exp,
    iat,
    jti,
    client_id: FIRST_PARTY_CLIENT,
    sid: sessionId,
    ver: user.ver,
    roles: [...user.roles],
    auth_time: authTime,
  };
}
