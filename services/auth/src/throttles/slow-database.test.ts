import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mongo } from 'mongoose';
import { failingCommands } from '../testing/failing-commands.mongo.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { newcomer, Visitor } from '../testing/visitor.ts';
import type { Answer } from '../testing/visitor.ts';
import { PASSWORD, until } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';
import { delays } from './limits.ts';

let stack: TestStack;
let pod: Pod;
let driver: mongo.MongoClient;

beforeAll(async () => {
  stack = await startStack({
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

// No failure of a test may leave the database stopped.
afterEach(() => {
  for (const { pid } of stack.database.members) process.kill(pid, 'SIGCONT');
});

const NAMESPACE = 'auth.throttles';
/** Longer than the service waits for all its attempts. */
const TOO_LONG = 4_000;
const { free } = delays.address_on_account;
let networks = 0;

/** Each call is of a network that nobody has met. */
function stranger(): { readonly guess: (email: string, password?: string) => Promise<Answer> } {
  networks += 1;
  const headers = { 'x-forwarded-for': `198.18.${networks}.7` };
  return {
    guess: (email, password = 'a wrong one') =>
      new Visitor().on(pod, 'POST /api/users/signin', { headers, body: { email, password } }),
  };
}

async function hashes(): Promise<number> {
  const { text } = await pod.probe('/metrics');
  return Number(/^authstack_password_hash_seconds_count (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Of all accounts and networks together. */
async function failures(): Promise<number> {
  const counters = await driver
    .db('auth')
    .collection('throttles')
    .find({ key: /^failures:/ })
    .toArray();
  return counters.reduce((sum, { points }) => sum + Number(points), 0);
}

const statuses = (answers: readonly Answer[]): readonly number[] => answers.map(({ status }) => status);
const unavailable = { status: 503, body: { code: 'DATABASE_UNAVAILABLE' }, setCookie: [] };

describe('a database that is slow', () => {
  test('but answers in time lets nobody guess more often', async () => {
    const { email } = await newcomer(pod);
    const { guess } = stranger();
    await using _ = await failingCommands(stack.database.uri, 'alwaysOn', {
      failCommands: ['findAndModify', 'find'],
      namespace: NAMESPACE,
      blockMs: 150,
    });

    const answers: Answer[] = [];
    for (let count = 0; count < free + 3; count += 1) answers.push(await guess(email));

    expect(statuses(answers)).toEqual([...Array.from({ length: free + 1 }, () => 401), 429, 429]);
  });

  test.each([
    ['a window', ['findAndModify']],
    ['the count of what was wrong', ['find']],
  ])(
    'and does not give %s in time lets nobody in, tells nobody that a password is wrong, and hashes nothing',
    async (_what, failCommands) => {
      const { email } = await newcomer(pod);
      const before = await hashes();
      await using slowness = await failingCommands(stack.database.uri, 'alwaysOn', {
        failCommands,
        namespace: NAMESPACE,
        blockMs: TOO_LONG,
      });

      const asked = [stranger(), stranger()].flatMap(({ guess }) => [guess(email), guess(email, PASSWORD)]);
      const answers = await Promise.all(asked);

      for (const answer of answers) {
        expect(answer).toMatchObject(unavailable);
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      }
      expect(await hashes()).toBe(before);
      await slowness.end();
      expect((await stranger().guess(email, PASSWORD)).status).toBe(200);
    },
  );

  test('and does not note a wrong password in time does not say that it was wrong, and notes it all the same', async () => {
    const { email } = await newcomer(pod);
    const { guess } = stranger();
    // It has its share of the window then, so that what is written is the wrong password.
    expect((await guess(email)).status).toBe(401);
    await using slowness = await failingCommands(stack.database.uri, 'alwaysOn', {
      failCommands: ['findAndModify'],
      namespace: NAMESPACE,
      blockMs: TOO_LONG,
    });
    const before = await failures();
    expect(await guess(email)).toMatchObject(unavailable);
    await slowness.end();
    // Of the account, and of its network on the account.
    await until(async () => (await failures()) === before + 2, 'it is noted');

    const answers: Answer[] = [];
    while (answers.at(-1)?.status !== 429) answers.push(await guess(email));

    expect(answers.length).toBeLessThanOrEqual(free);
  });
});

test('a database that stands still refuses everything throttled for as long, and has forgotten nothing afterwards', async () => {
  const owner = await newcomer(pod);
  const { guess } = stranger();
  for (let count = 0; count <= free; count += 1) expect((await guess(owner.email)).status).toBe(401);
  const [mongod] = stack.database.members;
  if (!mongod) throw new Error('there is no mongod');

  process.kill(mongod.pid, 'SIGSTOP');
  const answers = await Promise.all([
    guess(owner.email),
    stranger().guess(owner.email, PASSWORD),
    owner.copy().refresh(pod),
    new Visitor().signUp(pod),
  ]);
  process.kill(mongod.pid, 'SIGCONT');

  for (const answer of answers) expect(answer).toMatchObject(unavailable);
  expect((await owner.signIn(pod)).status).toBe(200);
  // Its delay may be over by now; the next attempt finds the one after it.
  expect(statuses([await guess(owner.email), await guess(owner.email)])).toContain(429);
}, 60_000);
