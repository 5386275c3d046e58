import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '@authstack/http-service/clock';
import { mongo } from 'mongoose';
import { pino } from 'pino';
import { startReplicaSet } from '../../../../test/support/mongod.ts';
import type { ReplicaSet } from '../../../../test/support/mongod.ts';
import { authContract, usersMarker } from '../api.ts';
import type { UsersMarker } from '../api.ts';
import { createDatabase } from '../mongo/database.ts';
import type { Database } from '../mongo/database.ts';
import type { PasswordHash } from '../passwords/passwords.ts';
import { anEmail, until } from '../testing/world.ts';
import type { Email } from './email.ts';
import { EmailTaken } from './errors.ts';
import { createUserStore, newUserId } from './user.mongo.ts';
import type { UserAttrs } from './user.ts';

type Users = ReturnType<typeof createUserStore>;

interface Pod extends AsyncDisposable {
  readonly database: Database<Users>;
  readonly users: Users;
}

let mongod: ReplicaSet;
let driver: mongo.MongoClient;
let pod: Pod;

beforeAll(async () => {
  mongod = await startReplicaSet(1);
  driver = await new mongo.MongoClient(mongod.uri).connect();
}, 60_000);

afterAll(async () => {
  await driver.close();
  await mongod[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await driver.db(authContract.defaultDatabase).dropDatabase();
  pod = await connected();
});

afterEach(async () => {
  await pod[Symbol.asyncDispose]();
});

async function connected(): Promise<Pod> {
  const stopping = new AbortController();
  const database = createDatabase({
    uri: () => mongod.uri,
    stores: createUserStore,
    prepare: (users) => users.prepare(),
    clock: systemClock,
    log: pino({ enabled: false }),
  });
  const users = database.store((store) => store);
  const running = database.keepConnected(stopping.signal);
  await until(() => database.ready, 'the database is connected');
  return {
    database,
    users,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
      await database.close();
    },
  };
}

function attrs(pepperId = 'p1'): UserAttrs {
  return { email: anEmail() as Email, password: `${pepperId}:$argon2id$…` as PasswordHash, roles: ['user'] };
}

/** As the operator reads it: by the driver. */
async function readMarker(): Promise<UsersMarker | undefined> {
  const { collection, id, schema } = usersMarker;
  const found = await driver
    .db(authContract.defaultDatabase)
    .collection<{ _id: string }>(collection)
    .findOne({ _id: id });
  return found ? schema.parse(found) : undefined;
}

class Crash extends Error {}

function crash(): never {
  throw new Crash('the process dies here');
}

test('ending everything of a user belongs to the transaction around it', async () => {
  const { database, users } = pod;
  const { id, ver } = await users.add(attrs());
  const attempt = database.transaction(async () => {
    await users.endEverything(id);
    crash();
  });
  await expect(attempt).rejects.toThrow(Crash);
  expect(await users.find(id)).toMatchObject({ ver, sessionsFrom: ver });

  await users.endEverything(id);
  expect(await users.find(id)).toMatchObject({ ver: ver + 1, sessionsFrom: ver + 1 });
});

test('a database without users has no marker', async () => {
  expect(await readMarker()).toBeUndefined();
});

test('the first user leaves a marker with the pepper of its password, which no later user changes', async () => {
  const first = await pod.users.add(attrs('p1'));
  expect(await readMarker()).toEqual({ _id: 'users', since: first.createdAt, pepperId: 'p1' });
  await pod.users.add(attrs('p2'));
  expect(await readMarker()).toEqual({ _id: 'users', since: first.createdAt, pepperId: 'p1' });
});

test('of two first users at the same moment one is in the marker, and both are users', async () => {
  await using other = await connected();
  for (let round = 0; round < 20; round += 1) {
    await driver.db(authContract.defaultDatabase).collection(usersMarker.collection).deleteMany();
    const [one, two] = await Promise.all([pod.users.add(attrs('p1')), other.users.add(attrs('p2'))]);
    const marker = await readMarker();
    expect([one.createdAt, two.createdAt]).toContainEqual(marker?.since);
    expect(['p1', 'p2']).toContain(marker?.pepperId);
    expect(await pod.users.find(two.id)).toBeDefined();
    expect(await other.users.find(one.id)).toBeDefined();
  }
});

test('a crash leaves both the user and the marker, or neither', async () => {
  const { database, users } = pod;
  const attempt = database.transaction(async () => {
    await users.add(attrs());
    crash();
  });
  await expect(attempt).rejects.toThrow(Crash);
  expect(await readMarker()).toBeUndefined();
  expect(await countUsers()).toBe(0);
});

test.each<[string, (wanted: UserAttrs) => Promise<unknown>]>([
  ['sign-up', (wanted) => pod.users.add(wanted)],
  ['the initial admin', (wanted) => pod.users.putAdmin(wanted)],
])('where the marker cannot be written, %s makes no user', async (_way, make) => {
  await driver
    .db(authContract.defaultDatabase)
    .command({ collMod: usersMarker.collection, validator: { refused: true } });
  await expect(make(attrs())).rejects.toThrow(/validation/);
  expect(await countUsers()).toBe(0);
});

test('the initial admin leaves the marker, too', async () => {
  await pod.users.putAdmin(attrs('p7'));
  expect(await readMarker()).toMatchObject({ pepperId: 'p7' });
});

test('a database with users and no marker gets one when a pod connects', async () => {
  const first = await pod.users.add(attrs('p1'));
  await pod.users.add(attrs('p2'));
  await driver.db(authContract.defaultDatabase).collection(usersMarker.collection).drop();

  await using _next = await connected();

  expect(await readMarker()).toEqual({ _id: 'users', since: first.createdAt, pepperId: 'p1' });
});

test('done again with its id a sign-up is the user it made, and with another id its address is taken', async () => {
  const wanted = attrs();
  const id = newUserId();
  const made = await pod.users.add(wanted, id);
  expect(made.id).toBe(id);
  expect(await pod.users.add(wanted, id)).toEqual(made);
  await expect(pod.users.add(wanted)).rejects.toThrow(EmailTaken);
  expect(await countUsers()).toBe(1);
});

test('a replacement of a hash that is done again is still done', async () => {
  const wanted = attrs();
  const { id } = await pod.users.add(wanted);
  const change = { from: wanted.password, to: 'p2:renewed' as PasswordHash };
  expect(await pod.users.replacePassword(id, change)).toBe(true);
  expect(await pod.users.replacePassword(id, change)).toBe(true);
});

test('a hash is replaced only while it is the one that was verified', async () => {
  const wanted = attrs('p1');
  const { id } = await pod.users.add(wanted);
  const [renewed, chosen] = ['p2:renewed' as PasswordHash, 'p2:chosen' as PasswordHash];
  expect(await pod.users.replacePassword(id, { from: wanted.password, to: chosen })).toBe(true);
  expect(await pod.users.replacePassword(id, { from: wanted.password, to: renewed })).toBe(false);
  expect((await pod.users.findForSignIn(wanted.email))?.password).toBe(chosen);
});

test('peppers in use are those of all stored passwords, whoever wrote them', async () => {
  expect(await pod.users.peppersInUse()).toEqual([]);
  const old = attrs('p1');
  await pod.users.add(old);
  await pod.users.putAdmin(attrs('p2'));
  const { id } = await pod.users.add(attrs('p2'));
  // As a version before the field wrote it.
  await driver
    .db(authContract.defaultDatabase)
    .collection('users')
    .updateMany({}, { $unset: { pepperId: 1 } });

  expect([...(await pod.users.peppersInUse())].sort()).toEqual(['p1', 'p2']);
  expect(await pod.users.countByPepper('p2')).toEqual(
    new Map([
      ['p1', 1],
      ['p2', 2],
    ]),
  );
  expect((await pod.users.find(id))?.id).toBe(id);

  await pod.users.replacePassword((await pod.users.findForSignIn(old.email))?.user.id ?? '', {
    from: old.password,
    to: 'p3:new' as PasswordHash,
  });
  expect([...(await pod.users.peppersInUse())].sort()).toEqual(['p2', 'p3']);
});

function countUsers(): Promise<number> {
  return driver.db(authContract.defaultDatabase).collection('users').countDocuments();
}
