import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mongo } from 'mongoose';
import { z } from 'zod';
import { authContract } from '../api.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { stepsDuring } from '../testing/stored.mongo.ts';
import { fromPage, newcomer, send } from '../testing/visitor.ts';
import type { Answer } from '../testing/visitor.ts';
import { anEmail, PASSWORD } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';

let stack: TestStack;
let pod: Pod;

beforeAll(async () => {
  stack = await startStack({ environment: { AUTHSTACK_TRUSTED_PROXIES: '127.0.0.0/8' } });
  [pod] = stack.pods;
}, 60_000);

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
});

/** Nobody has the pepper of its password any more. */
async function strand(email: string): Promise<void> {
  await using driver = await new mongo.MongoClient(stack.database.uri).connect();
  const users = driver.db(authContract.defaultDatabase).collection('users');
  const change = { password: { $replaceOne: { input: '$password', find: 'p1:', replacement: 'gone:' } } };
  await users.updateOne({ email }, [{ $set: { ...change, pepperId: 'gone' } }]);
}

/** All of it that can differ from one user to another. */
function shapeOf({ status, body, headers, setCookie }: Answer): object {
  const { instance: _, ...rest } = z.looseObject({ instance: z.string() }).parse(body);
  return { status, rest, setCookie, names: Object.keys(headers).toSorted(), length: headers['content-length'] };
}

async function hashes(): Promise<number> {
  const { text } = await pod.probe('/metrics');
  return Number(/^authstack_password_hash_seconds_count (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** A pod counts once a minute which peppers are needed. */
const byItself = /^(distinct|aggregate|count) auth\.users|pepperId/;

let networks = 0;

/** What a sign-in comes to, and what is done for it. */
async function refusal(email: string, password: string): Promise<object> {
  networks += 1;
  const headers = { ...fromPage, 'x-forwarded-for': `198.18.${networks}.7` };
  const before = await hashes();
  const answers: Answer[] = [];
  const steps = await stepsDuring(stack.database.uri, async () => {
    answers.push(await send(pod, 'POST /api/users/signin', { headers, body: { email, password } }));
  });
  return {
    answers: answers.map(shapeOf),
    steps: steps.filter((step) => !byItself.test(step)),
    hashes: (await hashes()) - before,
  };
}

// That a hash is the same work in each case: passwords.test.ts. Time itself is measured by `make bench-auth`.
test('an unknown address, a wrong password and a lost pepper are refused by the same steps and in the same words', async () => {
  const [known, stranded] = [await newcomer(pod), await newcomer(pod)];
  await strand(stranded.email);

  const wrong = await refusal(known.email, 'a wrong one');

  expect(await refusal(anEmail(), PASSWORD)).toEqual(wrong);
  expect(await refusal(stranded.email, PASSWORD)).toEqual(wrong);
  expect(wrong).toMatchObject({
    answers: [{ status: 401, rest: { code: 'INVALID_CREDENTIALS' } }],
    steps: [
      'findAndModify auth.throttles by key',
      'find auth.throttles by key, $expr',
      'find auth.users by email',
      'findAndModify auth.throttles by key',
      'findAndModify auth.throttles by key',
    ],
    hashes: 1,
  });
});
