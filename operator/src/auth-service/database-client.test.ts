import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { authContract, usersMarker } from '@authstack/auth-service/api';
import { MongoClient } from 'mongodb';
import { bundle } from '../../../cluster/images.ts';
import { run } from '../../../cluster/process.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { startMongod } from '../../../test/support/mongod.ts';
import type { Mongod } from '../../../test/support/mongod.ts';
import { databaseClient } from './database-client.ts';

const { signal } = new AbortController();
let mongod: Mongod;
let direct: MongoClient;

beforeAll(async () => {
  mongod = await startMongod({ replicaSet: 'rs0', initiate: true });
  direct = new MongoClient(mongod.uri);
}, 60_000);

afterAll(async () => {
  await direct.close();
  await mongod[Symbol.asyncDispose]();
});

beforeEach(async () => {
  for (const name of [authContract.defaultDatabase, 'theirs']) await direct.db(name).dropDatabase();
});

const uriOf = (database: string): string => mongod.uri.replace('/?', `/${database}?`);
const usersIn = (uri: string): ReturnType<typeof databaseClient.usersIn> => databaseClient.usersIn(uri, { signal });

test('an empty database has no users', async () => {
  expect(await usersIn(mongod.uri)).toEqual({ state: 'none' });
});

test('as bundled for the image it reads a database as well', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  try {
    await bundle({ name: 'operator', entry: 'operator/src/auth-service/database-client.ts' }, folder);
    const script = `
      const { databaseClient } = await import(${JSON.stringify(join(folder, 'app/database-client.js'))});
      const { signal } = new AbortController();
      console.log(JSON.stringify(await databaseClient.usersIn(${JSON.stringify(mongod.uri)}, { signal })));
    `;
    expect(JSON.parse(await run(process.execPath, ['--input-type=module', '-e', script]))).toEqual({ state: 'none' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the marker of the first user is evidence, also after every user is gone', async () => {
  const since = new Date('2030-01-01T00:00:00Z');
  const marker = { _id: usersMarker.id, since, pepperId: 'p1' };
  await direct.db(authContract.defaultDatabase).collection<typeof marker>(usersMarker.collection).insertOne(marker);
  expect(await usersIn(mongod.uri)).toEqual({
    state: 'some',
    evidence: 'database auth has had users since 2030-01-01T00:00:00.000Z',
  });
});

test('a user without a marker, of a version before it, is evidence', async () => {
  await direct.db(authContract.defaultDatabase).collection(authContract.usersCollection).insertOne({ email: 'a@b.c' });
  expect(await usersIn(mongod.uri)).toEqual({ state: 'some', evidence: 'collection users of database auth has users' });
});

test('the database is the one that the connection string names', async () => {
  await direct.db('theirs').collection(authContract.usersCollection).insertOne({ email: 'a@b.c' });
  expect(await usersIn(uriOf('theirs'))).toMatchObject({ state: 'some' });
  expect(await usersIn(mongod.uri)).toEqual({ state: 'none' });
});

test('a database that does not answer is unknown within seconds', async () => {
  const begun = Date.now();
  const answer = await usersIn(`mongodb://auth:s3cret@127.0.0.1:${await freePort()}/?directConnection=true`);
  expect(answer).toMatchObject({ state: 'unknown', problem: expect.stringContaining('ECONNREFUSED') });
  expect(Date.now() - begun).toBeLessThan(6_000);
});

test.each([
  ['no connection string at all', 'hunter2'],
  ['a scheme that is none', 'mysql://auth:hunter2@db/auth'],
  ['an option that is none', 'mongodb://auth:hunter2@127.0.0.1:1/auth?hunter2=hunter2'],
  ['a password that is not escaped', 'mongodb://auth:hun%ter2@127.0.0.1:1/auth'],
])('%s is unknown, and the problem repeats no secret', async (_what, uri) => {
  const answer = await usersIn(uri);
  expect(answer.state).toBe('unknown');
  expect(JSON.stringify(answer)).not.toMatch(/hunter2|hun%ter2/);
});

test('credentials that are refused are unknown, never none', async () => {
  await using secured = await startMongod({ args: ['--auth'] });
  const uri = secured.uri.replace('://', '://auth:p%40ss-w0rd@');
  const answer = await usersIn(uri);
  expect(answer).toMatchObject({ state: 'unknown', problem: expect.stringContaining('Authentication failed') });
  expect(JSON.stringify(answer)).not.toMatch(/p%40ss|p@ss/);
});
