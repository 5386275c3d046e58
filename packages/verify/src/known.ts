import type { IncomingMessage } from 'node:http';
import type { Identity } from './identity.ts';
import type { User } from './user.ts';

/** What the middleware knows of a request. */
export interface Known {
  /** Taken out of the request. */
  sessionToken?: string;
  /** `by`: the guard whose keys the token was verified with. */
  identified?: { readonly by: object; readonly identity: Identity | Promise<Identity> };
  /** Of the guard that let the request pass. */
  user?: User;
}

/** Where no handler can reach it. One map for everything: each entry costs a request as much as to find a cookie. */
const requests = new WeakMap<IncomingMessage, Known>();

export function knownOf(request: IncomingMessage): Known {
  const known = requests.get(request);
  if (known) return known;
  const nothing: Known = {};
  requests.set(request, nothing);
  return nothing;
}
