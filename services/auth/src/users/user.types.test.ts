import { expect, test } from '@jest/globals';
import { Mongoose } from 'mongoose';
import type { PasswordHash } from '../passwords/passwords.ts';
import type { Email } from './email.ts';
import { userModel } from './user.mongo.ts';
import type { UserDocument } from './user.mongo.ts';
import type { Role } from './user.ts';

// tsc is the judge: an @ts-expect-error below which nothing is wrong is itself an error.
const User = userModel(new Mongoose().createConnection());
const email = 'jo@example.com' as Email;
const password = 'p1:$argon2id$' as PasswordHash;
const roles: readonly Role[] = ['user'];

/** Assignable both ways, and not by being `any`. */
type Equal<A, B> = 0 extends 1 & A ? false : [A, B] extends [B, A] ? true : false;

test('a user is built from exactly its attributes', () => {
  const user: UserDocument = User.build({ email, password, roles });
  expect(user).toMatchObject({ email, banned: false, disabled: false, ver: 1 });
});

test('a missing, an extra or a misspelt property does not compile', () => {
  const attempts = [
    // @ts-expect-error -- the password is missing
    () => User.build({ email, roles }),
    // @ts-expect-error -- the e-mail is missing
    () => User.build({ password, roles }),
    // @ts-expect-error -- nobody is made an exception of by hand
    () => User.build({ email, password, roles, banned: false }),
    // @ts-expect-error -- misspelt
    () => User.build({ emial: email, password, roles }),
    // @ts-expect-error -- a misspelt one beside the right one
    () => User.build({ email, password, passwrod: password, roles }),
    // @ts-expect-error -- a plain string is no normalised address
    () => User.build({ email: 'jo@example.com', password, roles }),
    // @ts-expect-error -- a plain text is no password hash
    () => User.build({ email, password: 'hunter22', roles }),
    // @ts-expect-error -- no such role
    () => User.build({ email, password, roles: ['root'] }),
    () => {
      const withExtra = { email, password, roles, isAdmin: true };
      // @ts-expect-error -- not by way of a variable either
      return User.build(withExtra);
    },
  ];
  expect(attempts).toHaveLength(9);
});

test('a document has the fields that the database adds', () => {
  const facts: [
    Equal<UserDocument['createdAt'], Date>,
    Equal<UserDocument['updatedAt'], Date>,
    Equal<UserDocument['id'], string>,
    Equal<UserDocument['email'], Email>,
    Equal<UserDocument['ver'], number>,
  ] = [true, true, true, true, true];
  expect(facts).not.toContain(false);
  // @ts-expect-error -- and no others
  const read = (user: UserDocument): unknown => user.updatedOn;
  expect(read).toBeDefined();
  expect(User.build({ email, password, roles }).id).toMatch(/^[0-9a-f]{24}$/);
});
