import type { AccessTokenClaims } from './access-token-claims.ts';

/** The user that a verified access token was issued for; frozen to its leaves, for later requests are handed the same object. */
export interface User {
  readonly id: string;
  readonly roles: readonly string[];
  /** The session that the token belongs to. */
  readonly sessionId: string;
  readonly claims: AccessTokenClaims;
}

export function userFrom(claims: AccessTokenClaims): User {
  return Object.freeze({ id: claims.sub, roles: claims.roles, sessionId: claims.sid, claims });
}
