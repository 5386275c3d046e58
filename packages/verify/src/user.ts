import type { IncomingMessage } from 'node:http';
import type { AccessTokenClaims } from './access-token-claims.ts';
import { knownOf } from './known.ts';

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

/** The user of a request, behind `requireUser()`. Throws a TypeError on a route that is not: a mistake in the service. */
export function userOf(request: IncomingMessage): User {
  const user = knownOf(request).user;
  if (user) return user;
  throw new TypeError(`${request.method ?? ''} ${pathOf(request)} has no user: put requireUser() before this handler`);
}

/** The user of a request, if anybody is signed in, behind `currentUser()`. */
export function currentUserOf(request: IncomingMessage): User | undefined {
  return knownOf(request).user;
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}
