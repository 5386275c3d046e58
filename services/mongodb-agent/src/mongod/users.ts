import { isDeepStrictEqual } from 'node:util';
import type { Document } from 'mongodb';
import { z } from 'zod';
import type { UserReply, UserRequest } from '../api.ts';
import { Refusal, messageOf } from '../errors.ts';
import type { Mongod } from './connection.ts';
import { code, hasCode } from './failures.ts';

const majority = { w: 'majority', wtimeout: 10_000 };
const commandOptions = { timeoutMillis: 12_000 };

/**
 * Makes the database match a credential that is already stored. What matches is not written again; whether the password
 * does is found out by signing in with it.
 */
export async function ensureUser(mongod: Mongod, user: UserRequest): Promise<UserReply> {
  const { username, password, roles } = user;
  const local = await readUser(mongod, { username, level: 'local' });
  try {
    if (!local) {
      await mongod.command({ createUser: username, pwd: password, roles, writeConcern: majority }, commandOptions);
      return { outcome: 'created' };
    }
    if (await matches(mongod, { user, local })) return { outcome: 'unchanged' };
    await mongod.command({ updateUser: username, pwd: password, roles, writeConcern: majority }, commandOptions);
    return { outcome: 'updated' };
  } catch (error) {
    throw explain(error, username);
  }
}

async function matches(mongod: Mongod, { user, local }: { user: UserRequest; local: StoredUser }): Promise<boolean> {
  if (!isDeepStrictEqual(roleNames(local.roles), roleNames(user.roles))) return false;
  if (!(await mongod.accepts(user))) return false;
  // An earlier write that timed out here may still be unknown to the majority, and could be rolled back.
  return isDeepStrictEqual(await readUser(mongod, { username: user.username, level: 'majority' }), local);
}

const storedUser = z.looseObject({ roles: z.array(z.object({ role: z.string(), db: z.string() })) });
type StoredUser = z.infer<typeof storedUser>;
const usersReply = z.object({ cursor: z.object({ firstBatch: z.array(storedUser) }) });

async function readUser(
  mongod: Mongod,
  { username, level }: { username: string; level: 'local' | 'majority' },
): Promise<StoredUser | undefined> {
  const query: Document = { find: 'system.users', filter: { user: username, db: 'admin' }, readConcern: { level } };
  return usersReply.parse(await mongod.command(query)).cursor.firstBatch[0];
}

function roleNames(roles: readonly { role: string; db: string }[]): string[] {
  return roles.map(({ role, db }) => `${db}.${role}`).toSorted((a, b) => a.localeCompare(b));
}

function explain(error: unknown, username: string): unknown {
  if (hasCode(error, code.writeConcernTimeout, code.maxTimeExpired)) {
    return new Refusal('USER_REFUSED', `no majority confirmed user ${username} in time; retry`, { cause: error });
  }
  const known = [code.userAlreadyExists, 2, 9, 14, 31]; // exists already; BadValue, FailedToParse, TypeMismatch, RoleNotFound
  if (hasCode(error, ...known)) {
    return new Refusal('USER_REFUSED', `mongod refuses user ${username}: ${messageOf(error)}`, { cause: error });
  }
  return error;
}
