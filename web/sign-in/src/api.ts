import type { Result } from '@authstack/page/problem.ts';
import { readNothing } from '@authstack/page/reader.ts';
import type { Send } from '@authstack/page/request.ts';
import { readCurrentUser, readUser } from './replies.ts';
import type { User } from './replies.ts';

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
}

export function createApi(send: Send): Api {
  return {
    currentUser: () => send({ method: 'GET', path: '/api/users/currentuser', read: readCurrentUser }),
    signUp: (body) => send({ method: 'POST', path: '/api/users/signup', body, read: readUser }),
    signIn: (body) => send({ method: 'POST', path: '/api/users/signin', body, read: readUser }),
    signOut: () => send({ method: 'POST', path: '/api/users/signout', read: readNothing }),
  };
}
