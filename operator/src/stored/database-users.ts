import { namesOf } from '../api/names.ts';
import { DATABASE_URI_KEY } from './database-uri.ts';
import type { SeenIdentity } from './identity.ts';
import type { StoredSecret } from './secret.ts';

/** A user of the database, stored before it is created there. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Secret `<stack>-mongodb-auth-user`, which the auth pods mount. */
export interface AuthUser extends Credentials {
  readonly uri: string;
}

/** The agent takes no shorter one. */
const MIN_PASSWORD = 16;

function credentialsIn({ username = '', password = '' }: Readonly<Record<string, string>>): Credentials | string {
  if (username === '') return 'username is missing';
  return password.length < MIN_PASSWORD
    ? `password is shorter than ${MIN_PASSWORD} characters`
    : { username, password };
}

/**
 * Users come once the set is initiated. Who looks for what cannot exist yet, in case it lacks its labels, asks for it all the
 * time until then; the watch is enough for one that was brought.
 */
export function canHaveUsers({ state }: SeenIdentity): boolean {
  return state === 'initiated';
}

/** Secret `<stack>-mongodb-root`. */
export const rootUserSecret: StoredSecret<Credentials> = {
  component: 'mongodb',
  nameOf: (stackName) => namesOf(stackName).rootUser,
  decode(texts) {
    const value = credentialsIn(texts);
    return typeof value === 'string' ? { why: value } : { value };
  },
  encode: ({ username, password }) => ({ username, password }),
};

export const authUserSecret: StoredSecret<AuthUser> = {
  component: 'mongodb',
  nameOf: (stackName) => namesOf(stackName).authUser,
  decode(texts) {
    const value = credentialsIn(texts);
    // A connection string that is missing is written again.
    return typeof value === 'string' ? { why: value } : { value: { ...value, uri: texts[DATABASE_URI_KEY] ?? '' } };
  },
  encode: ({ username, password, uri }) => ({ username, password, [DATABASE_URI_KEY]: uri }),
};
