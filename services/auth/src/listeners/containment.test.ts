import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mongo } from 'mongoose';
import { z } from 'zod';
import { authContract } from '../api.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { claimsOf, fromPage, newcomer, send } from '../testing/visitor.ts';
import type { Answer, Sent, Visitor } from '../testing/visitor.ts';
import { anEmail, PASSWORD } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';
import { opsOperations } from './ops.ts';

type Caller = 'nobody' | 'browser' | 'bearer' | 'foreignPage' | 'endedBrowser' | 'endedBearer';
/** `served`, `nobody` (answered as to somebody who is not signed in), or the code of a problem. */
type Cells = Readonly<Record<Caller, string>>;

const toAnybody: Cells = cells('served', 'served', 'served', 'served', 'served', 'served');
const toNoBearer: Cells = cells('served', 'served', 'CSRF_REJECTED', 'CSRF_REJECTED', 'served', 'CSRF_REJECTED');
const nowhere: Cells = cells('NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND');

/**
 * Every operation by every caller. A bearer says of no page where it comes from, so it opens no session of a browser; what has
 * ended is served nowhere that asks who calls; signing out of it once more is no error.
 */
const matrix: Readonly<Record<string, Cells>> = {
  'POST /api/users/signup': toNoBearer,
  'POST /api/users/signin': toNoBearer,
  'POST /api/users/refresh': cells(
    'SESSION_INVALID',
    'served',
    'TOKEN_INVALID',
    'CSRF_REJECTED',
    'SESSION_INVALID',
    'TOKEN_INVALID',
  ),
  'POST /api/users/signout': cells('served', 'served', 'served', 'CSRF_REJECTED', 'served', 'served'),
  'GET /api/users/currentuser': cells('nobody', 'served', 'served', 'served', 'nobody', 'TOKEN_INVALID'),
  'GET /api/users/sessions': cells('SESSION_INVALID', 'served', 'served', 'served', 'SESSION_INVALID', 'TOKEN_INVALID'),
  'DELETE /api/users/sessions/{id}': cells(
    'SESSION_INVALID',
    'served',
    'served',
    'CSRF_REJECTED',
    'SESSION_INVALID',
    'TOKEN_INVALID',
  ),
  'GET /.well-known/jwks.json': toAnybody,
  'GET /.well-known/openid-configuration': toAnybody,
  'GET /openapi.json': toAnybody,
  ...Object.fromEntries(opsOperations.map(({ path }) => [`GET ${path}`, nowhere])),
  // For services; the path of their renewal is that of a browser's refresh. services.test.ts holds what they are answered.
  [`GET ${authContract.eventsPath}`]: nowhere,
  [`POST ${authContract.acknowledgePath}`]: nowhere,
  [`POST ${authContract.goodbyePath}`]: nowhere,
};
const operations = Object.keys(matrix);

function cells(...each: readonly [string, string, string, string, string, string]): Cells {
  const [nobody, browser, bearer, foreignPage, endedBrowser, endedBearer] = each;
  return { nobody, browser, bearer, foreignPage, endedBrowser, endedBearer };
}

let stack: TestStack;
let pod: Pod;
let driver: mongo.MongoClient;
let bystander: Visitor;

beforeAll(async () => {
  stack = await startStack();
  [pod] = stack.pods;
  driver = await new mongo.MongoClient(stack.database.uri).connect();
  bystander = await newcomer(pod);
}, 60_000);

afterAll(async () => {
  await driver.close();
  await stack[Symbol.asyncDispose]();
});

const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ security: z.array(z.object({})) }))),
});

async function listed(): Promise<{ readonly operation: string; readonly security: readonly object[] }[]> {
  const { paths } = document.parse((await send(pod, 'GET /openapi.json')).body);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      operation: `${method.toUpperCase()} ${path}`,
      security,
    })),
  );
}

test('every operation of the listeners has its cells', async () => {
  const served = [
    ...(await listed()).map(({ operation }) => operation),
    ...opsOperations.map(({ path }) => `GET ${path}`),
    ...[`GET ${authContract.eventsPath}`, `POST ${authContract.acknowledgePath}`, `POST ${authContract.goodbyePath}`],
  ];
  expect(operations.toSorted()).toEqual(served.toSorted());
});

test('what an operation says of its callers is what it does', async () => {
  for (const { operation, security } of await listed()) {
    const { nobody } = matrix[operation] ?? nowhere;
    const needsNobody = security.some((scheme) => Object.keys(scheme).length === 0);
    if (!needsNobody) expect([operation, nobody]).toEqual([operation, 'SESSION_INVALID']);
  }
});

function outcomeOf({ status, body }: Answer): string {
  const { code, currentUser } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (status >= 400) return String(code);
  return currentUser === null ? 'nobody' : 'served';
}

function call(operation: string, visitor: Visitor, headers: Sent['headers'] = {}): Promise<Answer> {
  const body = operation.endsWith('/signup')
    ? { email: anEmail(), password: PASSWORD }
    : { email: bystander.email, password: PASSWORD };
  const takesBody = /\/sign(up|in)$/.test(operation);
  const request = operation.replace(
    '{id}',
    visitor.token === '' ? 'A'.repeat(22) : String(claimsOf(visitor.token)['sid']),
  );
  return send(pod, request, { headers, ...(takesBody && { body }) });
}

/** The headers by which each caller comes, with what the visitor holds. */
const shows: Readonly<Record<Exclude<Caller, 'endedBrowser' | 'endedBearer'>, (visitor: Visitor) => Sent['headers']>> =
  {
    nobody: () => fromPage,
    browser: (visitor) => ({ ...fromPage, cookie: cookiesOf(visitor) }),
    bearer: ({ token }) => ({ authorization: `Bearer ${token}` }),
    foreignPage: (visitor) => ({ 'sec-fetch-site': 'cross-site', cookie: cookiesOf(visitor) }),
  };

function cookiesOf({ token, session = '' }: Visitor): string {
  return `token=${token}; session=${session}`;
}

describe.each(['nobody', 'browser', 'bearer', 'foreignPage'] as const)('%s', (caller) => {
  test.each(operations)('%s', async (operation) => {
    const visitor = await newcomer(pod);
    expect(outcomeOf(await call(operation, visitor, shows[caller](visitor)))).toBe(matrix[operation]?.[caller]);
  });
});

const endings: Readonly<Record<string, (visitor: Visitor) => Promise<unknown>>> = {
  'a sign-out': (visitor) => visitor.copy().on(pod, 'POST /api/users/signout'),
  'a sign-out everywhere': (visitor) => visitor.copy().on(pod, 'POST /api/users/signout?everywhere=true'),
  'its end from another session': async (visitor) => {
    const other = visitor.copy();
    await other.on(pod, 'POST /api/users/signin', { body: { email: visitor.email, password: PASSWORD } });
    await other.on(pod, `DELETE /api/users/sessions/${String(claimsOf(visitor.token)['sid'])}`);
  },
  'a ban': (visitor) => setUser(visitor, { banned: true }),
  'being disabled': (visitor) => setUser(visitor, { disabled: true }),
};

function setUser({ email }: Visitor, fields: object): Promise<unknown> {
  return driver.db(authContract.defaultDatabase).collection('users').updateOne({ email }, { $set: fields });
}

describe.each(Object.keys(endings))('after %s', (ending) => {
  test.each(operations)('%s', async (operation) => {
    const visitor = await newcomer(pod);
    await endings[ending]?.(visitor);
    const outcomes = {
      endedBrowser: outcomeOf(await call(operation, visitor, shows.browser(visitor))),
      endedBearer: outcomeOf(await call(operation, visitor, shows.bearer(visitor))),
    };
    const { endedBrowser, endedBearer } = matrix[operation] ?? nowhere;
    expect(outcomes).toEqual({ endedBrowser, endedBearer });
  });
});

test('each listener answers its own operations and no others', async () => {
  for (const { path, reply } of opsOperations) expect((await pod.probe(path)).status).toBe(reply.status);
  for (const { operation } of await listed()) {
    expect((await pod.probe(operation.split(' ')[1] ?? '')).status).toBe(404);
  }
});
