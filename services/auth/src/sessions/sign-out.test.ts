import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { claimsOf, newcomer, send } from '../testing/visitor.ts';
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

const problem = (status: number, code: string) => ({ status, body: { status, code } });

test('ends the session and its tokens, and expires both cookies as they were set', async () => {
  const visitor = await newcomer(pod);
  const copy = visitor.copy();
  const answer = await visitor.on(pod, 'POST /api/users/signout');
  expect(answer.status).toBe(204);
  expect(answer.setCookie).toEqual([
    'session=; Path=/api/users; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
    'token=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
    'session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
  ]);
  expect(await copy.isSignedIn(pod)).toBe(false);
  expect(await copy.refresh(pod)).toMatchObject(problem(401, 'SESSION_INVALID'));
  const bearer = await send(pod, 'GET /api/users/sessions', { headers: { authorization: `Bearer ${copy.token}` } });
  expect(bearer.status).toBe(401);
});

test('is seen at once by a token that was verified before, among many that ask at the same time', async () => {
  const visitors = await Promise.all(Array.from({ length: 8 }, () => newcomer(pod)));
  const askAll = () =>
    Promise.all(
      visitors.map(({ token }) =>
        send(pod, 'GET /api/users/currentuser', { headers: { authorization: `Bearer ${token}` } }),
      ),
    );
  const own = visitors.map(({ email }) => ({ status: 200, body: { currentUser: { email } } }));
  expect(await askAll()).toMatchObject(own);

  expect((await visitors[0]?.on(pod, 'POST /api/users/signout'))?.status).toBe(204);

  expect(await askAll()).toMatchObject([problem(401, 'TOKEN_INVALID'), ...own.slice(1)]);
});

test('is idempotent, also for nobody', async () => {
  const visitor = await newcomer(pod);
  const copy = visitor.copy();
  expect((await visitor.on(pod, 'POST /api/users/signout')).status).toBe(204);
  expect((await copy.on(pod, 'POST /api/users/signout')).status).toBe(204);
  const nobody = await send(pod, 'POST /api/users/signout');
  expect(nobody).toMatchObject({ status: 204, setCookie: [] });
});

test('everywhere ends every session and token of the user, and of nobody else', async () => {
  const visitor = await newcomer(pod);
  const elsewhere = visitor.copy();
  await elsewhere.on(pod, 'POST /api/users/signin', { body: { email: visitor.email, password: PASSWORD } });
  const stranger = await newcomer(pod);
  expect((await visitor.on(pod, 'POST /api/users/signout?everywhere=true')).status).toBe(204);
  expect(await elsewhere.isSignedIn(pod)).toBe(false);
  expect((await elsewhere.refresh(pod)).status).toBe(401);
  expect(await stranger.isSignedIn(pod)).toBe(true);
  await visitor.signIn(pod);
  expect(claimsOf(visitor.token)['ver']).toBe(2);
  expect(await visitor.isSignedIn(pod)).toBe(true);
});

test('is idempotent for bearers, too, for as long as their token would hold', async () => {
  const { token } = await newcomer(pod);
  const bearer = { headers: { authorization: `Bearer ${token}` } };
  for (const request of [
    'POST /api/users/signout',
    'POST /api/users/signout',
    'POST /api/users/signout?everywhere=true',
  ]) {
    expect(await send(pod, request, bearer)).toMatchObject({ status: 204, setCookie: [] });
  }
  expect(await send(pod, 'GET /api/users/sessions', bearer)).toMatchObject(problem(401, 'TOKEN_INVALID'));
  for (const authorization of ['Bearer nonsense', `Bearer ${token}x`, 'Basic YTpi']) {
    expect(await send(pod, 'POST /api/users/signout', { headers: { authorization } })).toMatchObject(
      problem(401, 'TOKEN_INVALID'),
    );
  }
});
