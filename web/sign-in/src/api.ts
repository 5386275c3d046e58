import type { Result } from '@authstack/page/problem.ts';
import { readNothing } from '@authstack/page/reader.ts';
import type { Send } from '@authstack/page/request.ts';
import { readCurrentUser, readOpenSessions, readUser } from './replies.ts';
import type { OpenSession, User } from './replies.ts';

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** The auth service. */
export interface Api {
  readonly currentUser: () => Promise<Result<{ readonly user: User | null }>>;
  readonly signUp: (credentials: Credentials) => Promise<Result<User>>;
  readonly signIn: (credentials: Credentials) => Promise<Result<User>>;
  readonly signOut: () => Promise<Result<null>>;
  readonly signOutEverywhere: () => Promise<Result<null>>;
  readonly openSessions: () => Promise<Result<readonly OpenSession[]>>;
  readonly endSession: (id: string) => Promise<Result<null>>;
}

export function createApi(send: Send): Api {
  return {
    currentUser: () => send({ method: 'GET', path: '/api/users/currentuser', read: readCurrentUser }),
    signUp: (body) => send({ method: 'POST', path: '/api/users/signup', body, read: readUser }),
    signIn: (body) => send({ method: 'POST', path: '/api/users/signin', body, read: readUser }),
    signOut: () => send({ method: 'POST', path: '/api/users/signout', read: readNothing }),
    signOutEverywhere: () => send({ method: 'POST', path: '/api/users/signout?everywhere=true', read: readNothing }),
    openSessions: () => send({ method: 'GET', path: '/api/users/sessions', read: readOpenSessions }),
    endSession: (id) =>
      send({ method: 'DELETE', path: `/api/users/sessions/${encodeURIComponent(id)}`, read: readNothing }),
  };
}
