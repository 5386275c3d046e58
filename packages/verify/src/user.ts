import type { IncomingMessage } from 'node:http';
import type { AccessTokenClaims } from './claims.ts';

/** Whoever a verified access token stands for. */
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

/** Who asks, behind `requireUser()`. Throws a TypeError on a route that is not behind it: that is a mistake of the service. */
export function userOf(request: IncomingMessage): User {
  const user = users.get(request);
  if (user) return user;
  throw new TypeError(`no user is known at ${request.method ?? ''} ${pathOf(request)}: put requireUser() before it`);
}

/** Who asks, if anybody, behind `currentUser()`. */
export function currentUserOf(request: IncomingMessage): User | undefined {
  return users.get(request);
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}
