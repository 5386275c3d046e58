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

export interface Expected {
  readonly issuer: string;
  /** One of them must be in `aud`. */
  readonly audiences: readonly string[];
  /** Seconds since the epoch. */
  readonly now: number;
  readonly clockSkew: number;
}

/** Checks the claims of a token whose signature is valid. Expiry is checked last: an expired token is valid but for that. */
export function checkClaims(payload: unknown, { issuer, audiences, now, clockSkew }: Expected): AccessTokenClaims {
  const claims = parseClaims(payload);
  if (claims.iss !== issuer) throw new TokenIssuerRefused();
  const { aud } = claims;
  const isMeant = typeof aud === 'string' ? audiences.includes(aud) : aud.some((each) => audiences.includes(each));
  if (!isMeant) throw new TokenAudienceRefused();
  // Each comparison admits what it names, so a time that is no number would admit nothing.
  const hasBegun = Math.max(claims.iat, claims.nbf ?? 0) <= now + clockSkew;
  if (!hasBegun) throw new TokenNotYetValid();
  const hasNotEnded = now < claims.exp + clockSkew;
  if (!hasNotEnded) throw new TokenExpired(claims);
  return claims;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
/** The last second that a Date can hold: no sum of such times is rounded. */
const LAST_SECOND = 8.64e12;
const isTime: Check = (value) => typeof value === 'number' && value >= 0 && value <= LAST_SECOND;
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const checks: Readonly<Record<keyof AccessTokenClaims, Check>> = {
  iss: isText,
  sub: isText,
  aud: (value) => isText(value) || (isTexts(value) && (value as string[]).length > 0),
  exp: isTime,
  iat: isTime,
  nbf: optional(isTime),
  jti: isText,
  client_id: isText,
  sid: isText,
  ver: (value) => Number.isSafeInteger(value),
  roles: isTexts,
  auth_time: optional(isTime),
};

const everyCheck = Object.entries(checks);

function parseClaims(payload: unknown): AccessTokenClaims {
  if (!isRecord(payload)) throw new TokenMalformed();
  for (const [name, check] of everyCheck) {
    if (!check(own(payload, name))) throw new TokenClaimsRefused(name);
  }
  // Every field was checked above. Frozen, for every request with this token is handed the same object.
  return deepFrozen(payload) as unknown as AccessTokenClaims;
}

function own(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
