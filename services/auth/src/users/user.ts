import type { PasswordHash } from '../passwords/passwords.ts';
import type { Email } from './email.ts';

export type UserId = string;
export const roles = ['user', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface User {
  readonly id: UserId;
  readonly email: Email;
  readonly roles: readonly Role[];
  readonly banned: boolean;
  readonly disabled: boolean;
  /** Raised by every action that ends tokens; a token carries the one it was made under. */
  readonly ver: number;
  /** Sessions opened under a lower `ver` have ended. */
  readonly sessionsFrom: number;
  readonly createdAt: Date;
}

/** All that a new user is made from; the database adds the rest. */
export interface UserAttrs {
  readonly email: Email;
  readonly password: PasswordHash;
  readonly roles: readonly Role[];
}

/** What is done with stored passwords as such. */
export interface PasswordStore {
  /** False where the password is neither `from` nor `to` already: whoever changed it meanwhile knew better. */
  replacePassword(id: UserId, change: { readonly from: PasswordHash; readonly to: PasswordHash }): Promise<boolean>;
  /** Ids of the peppers that stored passwords need. */
  peppersInUse(): Promise<readonly string[]>;
  /** How many need each pepper; for `current`, by far the most, it is the database's estimate. */
  countByPepper(current: string): Promise<ReadonlyMap<string, number>>;
}

export interface UserStore extends PasswordStore {
  find(id: UserId): Promise<User | undefined>;
  /** The user with the password hash, which no other read returns. */
  findForSignIn(email: Email): Promise<{ readonly user: User; readonly password: PasswordHash } | undefined>;
  /**
   * Throws EmailTaken. With the id of an earlier attempt whose outcome nobody knows it answers the user of that attempt, if it
   * was made.
   */
  add(attrs: UserAttrs, id?: UserId): Promise<User>;
  /** Ends every session and token of the user in one write. */
  endEverything(id: UserId): Promise<void>;
  hasAdmin(): Promise<boolean>;
  /** Makes the address an admin with this password, whether it had an account or not; ends what it had. */
  putAdmin(attrs: UserAttrs): Promise<void>;
}

/** What a user may see of itself. */
export interface PublicUser {
  readonly id: UserId;
  readonly email: string;
  readonly roles: Role[];
  readonly createdAt: string;
}

export function publicUser({ id, email, roles, createdAt }: User): PublicUser {
  return { id, email, roles: [...roles], createdAt: createdAt.toISOString() };
}
