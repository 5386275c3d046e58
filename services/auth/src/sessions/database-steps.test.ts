import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { commandsDuring } from '../testing/stored.mongo.ts';
import { newcomer, send } from '../testing/visitor.ts';
import type { Visitor } from '../testing/visitor.ts';
import { PASSWORD } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';

let stack: TestStack;
let pod: Pod;

beforeAll(async () => {
  stack = await startStack();
  [pod] = stack.pods;
}, 60_000);

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
});

/** Each command is a trip to the database, and each that writes waits for a majority. */
const costs: readonly [string, readonly string[], (visitor: Visitor) => Promise<{ readonly status: number }>][] = [
  ['a refresh', ['findAndModify', 'find'], (visitor) => visitor.refresh(pod)],
  ['who is signed in, by cookie', ['aggregate'], (visitor) => visitor.on(pod, 'GET /api/users/currentuser')],
  ['who is signed in, by bearer', ['aggregate'], ({ token }) => asBearer('GET /api/users/currentuser', token)],
  [
    // A share of the network's window first, which lasts for some; what went wrong for the account; the user; its new session, and
    // whether it has too many.
    'a sign-in',
    ['findAndModify', 'find', 'find', 'findAndModify', 'find'],
    ({ email }) => signIn(email),
  ],
  ['a sign-out by bearer', ['aggregate', 'update'], ({ token }) => asBearer('POST /api/users/signout', token)],
];

function asBearer(request: string, token: string): Promise<{ readonly status: number }> {
  return send(pod, request, { headers: { authorization: `Bearer ${token}` } });
}

function signIn(email: string): Promise<{ readonly status: number }> {
  const headers = { 'authstack-delivery': 'body' };
  return send(pod, 'POST /api/users/signin', { headers, body: { email, password: PASSWORD } });
}

test.each(costs)('%s costs %p', async (_what, commands, ask) => {
  const visitor = await newcomer(pod);
  expect((await visitor.refresh(pod)).status).toBe(200);
  expect(await visitor.isSignedIn(pod)).toBe(true);

  const asked = await commandsDuring(stack.database.uri, async () => {
    expect((await ask(visitor)).status).toBeLessThan(300);
  });

  expect(asked).toEqual(commands);
});
