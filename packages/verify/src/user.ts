import type { IncomingMessage } from 'node:http';
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

const users = new WeakMap<IncomingMessage, User>();

export function rememberUser(request: IncomingMessage, user: User): void {
  users.set(request, user);
}

/** The user of a request, behind `requireUser()`. Throws a TypeError on a route that is not: a mistake in the service. */
export function userOf(request: IncomingMessage): User {
  const user = users.get(request);
  if (user) return user;
  throw new TypeError(`${request.method ?? ''} ${pathOf(request)} has no user: put requireUser() before this handler`);
}

/** The user of a request, if anybody is signed in, behind `currentUser()`. */
export function currentUserOf(request: IncomingMessage): User | undefined {
  return users.get(request);
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}
