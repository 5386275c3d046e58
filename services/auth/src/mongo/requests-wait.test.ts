import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mongo } from 'mongoose';
import { authContract } from '../api.ts';
import { failingCommands } from '../testing/failing-commands.mongo.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { newcomer, Visitor } from '../testing/visitor.ts';
import type { Answer } from '../testing/visitor.ts';
import { anEmail, PASSWORD } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';

let stack: TestStack;
let pod: Pod;
let driver: mongo.MongoClient;

beforeAll(async () => {
  stack = await startStack({
    members: 3,
    mongodArgs: ['--setParameter', 'enableTestCommands=1'],
    environment: { AUTHSTACK_TRUSTED_PROXIES: '127.0.0.0/8' },
  });
  [pod] = stack.pods;
  driver = await new mongo.MongoClient(stack.database.uri).connect();
}, 60_000);

afterAll(async () => {
  await driver.close();
  await stack[Symbol.asyncDispose]();
});

const count = (collection: string, filter: object): Promise<number> =>
  driver.db(authContract.defaultDatabase).collection(collection).countDocuments(filter);

async function hashes(): Promise<number> {
  const { text } = await pod.probe('/metrics');
  return Number(/^authstack_password_hash_seconds_count (\d+)$/m.exec(text)?.[1]);
}

describe('a sign-up whose commit was carried out and answered with an error is one account and one answer', () => {
  // Neither lets the driver commit once more; with the label it begins the transaction again, without it nobody but us does.
  const written = { code: 100, codeName: 'UnsatisfiableWriteConcern', errmsg: 'said by a test' };
  test.each([
    ['by the driver', ['TransientTransactionError']],
    ['by us', []],
  ])('done again %s', async (_who, errorLabels) => {
    const visitor = new Visitor();
    const before = await hashes();
    await using commits = await failingCommands(
      stack.database.uri,
      { times: 1 },
      { failCommands: ['commitTransaction'], writeConcernError: written, errorLabels },
    );

    const answer = await visitor.signUp(pod);

    await commits.failed(1);
    expect(answer).toMatchObject({ status: 201, body: { email: visitor.email } });
    expect(await count('users', { email: visitor.email })).toBe(1);
    expect(await count('sessions', { userId: (answer.body as { id: string }).id })).toBe(1);
    expect(await visitor.isSignedIn(pod)).toBe(true);
    expect(await hashes()).toBe(before + 1);
  });
});

const requests = [
  ['a sign-up', 'POST /api/users/signup', () => anEmail()],
  ['a sign-in', 'POST /api/users/signin', ({ email }: Visitor) => email],
  ['a refresh', 'POST /api/users/refresh'],
  ['who is signed in', 'GET /api/users/currentuser'],
] as const;
type Request = (typeof requests)[number];

let networks = 0;

/** Throttles count by network, and nobody here is to meet them. */
function ask(visitor: Visitor, [, request, email]: Request): Promise<Answer> {
  networks += 1;
  const headers = { 'x-forwarded-for': `198.18.${networks % 256}.1` };
  visitor.cookies.delete('device');
  return visitor.on(pod, request, { headers, ...(email && { body: { email: email(visitor), password: PASSWORD } }) });
}

describe('while no member is primary', () => {
  const NOT_WRITABLE_PRIMARY = 10_107;
  const failCommands = ['findAndModify', 'find', 'aggregate', 'update', 'commitTransaction'];

  test.each(requests)('%s is answered once there is one again', async (...request) => {
    const visitor = await newcomer(pod);
    await using refusals = await failingCommands(stack.database.uri, 'alwaysOn', {
      failCommands,
      errorCode: NOT_WRITABLE_PRIMARY,
    });
    const asking = ask(visitor, request);

    // The driver tries twice.
    await refusals.failed(3);
    await refusals.end();

    expect((await asking).status).toBeLessThan(300);
  });

  test('everything that is asked during a step-down is answered', async () => {
    const visitors = await Promise.all([newcomer(pod), newcomer(pod)]);
    const old = await stack.database.primary();
    let isOver = false;
    const answers: Answer[] = [];
    const asking = visitors.map(async (visitor) => {
      while (!isOver) for (const request of requests) answers.push(await ask(visitor, request));
    });
    const admin = await new mongo.MongoClient(old.uri).connect();
    await admin.db('admin').command({ replSetStepDown: 10, secondaryCatchUpPeriodSecs: 5 });
    await admin.close();
    expect(await stack.database.primary()).not.toBe(old);
    isOver = true;
    await Promise.all(asking);

    expect(answers.filter(({ status }) => status >= 300)).toEqual([]);
    expect(answers.length).toBeGreaterThan(0);
  });
});

test('a database that is slow at each step keeps nobody waiting for longer than one that is away', async () => {
  const visitor = await newcomer(pod);
  await using _slow = await failingCommands(stack.database.uri, 'alwaysOn', {
    failCommands: ['find', 'findAndModify'],
    blockMs: 2_000,
  });
  const [, signIn] = requests;

  expect(await ask(visitor, signIn)).toMatchObject({ status: 503, body: { code: 'DATABASE_UNAVAILABLE' } });
});

test('while the primary is frozen everybody is answered or told to come again, and once another is elected everybody is answered', async () => {
  const [owner, ...others] = await Promise.all(Array.from({ length: 4 }, () => newcomer(pod)));
  // Each asks twice at once in the end, and an account has four places in the line of hashes.
  const devices = [owner, owner, ...others].filter((visitor) => visitor !== undefined);
  const [, signIn] = requests;
  const frozen = await stack.database.primary();
  let isOver = false;
  const answers: Answer[] = [];
  process.kill(frozen.pid, 'SIGSTOP');
  const asking = devices.map(async (visitor) => {
    while (!isOver) answers.push(await ask(visitor, signIn));
  });

  const writable = await stack.database.primary();

  process.kill(frozen.pid, 'SIGCONT');
  expect(writable).not.toBe(frozen);
  const next = await Promise.all(devices.map((visitor) => ask(visitor, signIn)));
  isOver = true;
  await Promise.all(asking);
  expect(next.filter(({ status }) => status !== 200)).toEqual([]);
  for (const { status, body, headers } of answers.filter((answer) => answer.status !== 200)) {
    expect({ status, body }).toMatchObject({ status: 503, body: { code: 'DATABASE_UNAVAILABLE' } });
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
}, 60_000);

test('without a database for longer than a client is kept waiting the answer is a 503 with Retry-After', async () => {
  const visitor = await newcomer(pod);
  await Promise.all(stack.database.members.map((member) => member.kill()));

  const answers = await Promise.all(requests.map((request) => ask(visitor, request)));

  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'DATABASE_UNAVAILABLE' }, setCookie: [] });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  await Promise.all(stack.database.members.map((member) => member.restart()));
  await stack.database.primary();
  expect(await visitor.isSignedIn(pod)).toBe(true);
}, 60_000);
