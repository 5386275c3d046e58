import type { AccessTokenClaims } from './access-token-claims.ts';
import {
  TokenAudienceRefused,
  TokenClaimsRefused,
  TokenExpired,
  TokenIssuerRefused,
  TokenMalformed,
  TokenNotYetValid,
} from './errors.ts';
import { deepFrozen, isRecord } from './json.ts';

/** Whose tokens, and for whom. */
export interface Meant {
  readonly issuer: string;
  /** One of them must be in `aud`. */
  readonly audiences: readonly string[];
}

export interface Expected extends Meant {
  /** Seconds since the epoch. */
  readonly now: number;
  readonly clockSkew: number;
}

/** Checks the claims of a token whose signature is valid. Expiry is checked last: an expired token is valid but for that. */
export function checkClaims(payload: unknown, expected: Expected): AccessTokenClaims {
  const claims = checkedButForTimes(payload, expected);
  const { now, clockSkew } = expected;
  // Each comparison admits what it names, so a time that is no number would admit nothing.
  const hasBegun = Math.max(claims.iat, claims.nbf ?? 0) <= now + clockSkew;
  if (!hasBegun) throw new TokenNotYetValid();
  const hasNotEnded = now < claims.exp + clockSkew;
  if (!hasNotEnded) throw new TokenExpired(claims);
  return claims;
}

export function checkedButForTimes(payload: unknown, { issuer, audiences }: Meant): AccessTokenClaims {
  const claims = parseClaims(payload);
  if (claims.iss !== issuer) throw new TokenIssuerRefused();
  const { aud } = claims;
  const isMeant = typeof aud === 'string' ? audiences.includes(aud) : aud.some((each) => audiences.includes(each));
  if (!isMeant) throw new TokenAudienceRefused();
  return claims;
}

/** What `JSON.parse` may have made of a payload. */
type Unchecked = Readonly<Partial<Record<keyof AccessTokenClaims, unknown>>>;

function parseClaims(payload: unknown): AccessTokenClaims {
  if (!isRecord(payload)) throw new TokenMalformed();
  const wrong = wrongClaimOf(anythingIsInherited() ? { __proto__: null, ...payload } : payload);
  if (wrong !== undefined) throw new TokenClaimsRefused(wrong);
  // Every field was checked above. Frozen, for every request with this token is handed the same object.
  return deepFrozen(payload) as unknown as AccessTokenClaims;
}

/** What every object has; nothing, unless somebody put it there. */
const everyObject: Unchecked = {};

/** A claim counts only if the token itself has it. To ask each token for each claim would take a third of all these checks. */
// eslint-disable-next-line complexity -- a name for each claim
function anythingIsInherited(): boolean {
  const { iss, sub, aud, exp, iat, nbf, jti, client_id: client, sid, ver, roles, auth_time: time } = everyObject;
  return (iss ?? sub ?? aud ?? exp ?? iat ?? nbf ?? jti ?? client ?? sid ?? ver ?? roles ?? time) !== undefined;
}

/**
 * The first claim that is missing or not what it must be. Line by line: a loop over a table of checks, each reading any of the
 * claims, takes as long as `JSON.parse`.
 */
// eslint-disable-next-line complexity -- a line for each claim
function wrongClaimOf(claims: Unchecked): keyof AccessTokenClaims | undefined {
  if (!isText(claims.iss)) return 'iss';
  if (!isText(claims.sub)) return 'sub';
  if (!isAudience(claims.aud)) return 'aud';
  if (!isTime(claims.exp)) return 'exp';
  if (!isTime(claims.iat)) return 'iat';
  if (!(claims.nbf === undefined || isTime(claims.nbf))) return 'nbf';
  if (!isText(claims.jti)) return 'jti';
  if (!isText(claims.client_id)) return 'client_id';
  if (!isText(claims.sid)) return 'sid';
  if (!Number.isSafeInteger(claims.ver)) return 'ver';
  if (!isTexts(claims.roles)) return 'roles';
  if (!(claims.auth_time === undefined || isTime(claims.auth_time))) return 'auth_time';
  return undefined;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isAudience(value: unknown): boolean {
  return isText(value) || (isTexts(value) && (value as string[]).length > 0);
}

/** The last second that a Date can hold: no sum of such times is rounded. */
const LAST_SECOND = 8.64e12;

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= LAST_SECOND;
}
