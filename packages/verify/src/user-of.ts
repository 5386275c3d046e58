import type { IncomingMessage } from 'node:http';
import { knownOf } from './known.ts';
import type { User } from './user.ts';

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
