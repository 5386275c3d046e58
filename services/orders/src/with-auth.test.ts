import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { consumerSecret } from '../../../packages/verify/src/testing/secret-mount.ts';
import { startStack } from '../../auth/src/testing/stack.ts';
import type { TestStack } from '../../auth/src/testing/stack.ts';
import { newcomer } from '../../auth/src/testing/visitor.ts';
import { ORIGIN } from '../../auth/src/testing/world.ts';
import { openShop, premises } from './testing/shop.ts';
import type { Premises, Shop } from './testing/shop.ts';

const TOKEN_LIFETIME = 1_800_000;
const TICKET = { body: { ticketId: 'plenty' } };

let stack: TestStack;
let place: Premises;
let shop: Shop;

beforeAll(async () => {
  stack = await startStack();
  const [auth] = stack.pods;
  const jwks = await (await fetch(`${auth.url}/.well-known/jwks.json`)).text();
  place = await premises(
    consumerSecret([], {
      'jwks.json': jwks,
      issuer: ORIGIN,
      origin: ORIGIN,
      'cookie-names': '{"token":"token","session":"session"}',
      'auth-url': auth.url,
    }),
  );
  // Both see the same time.
  shop = await openShop(place, auth.clock);
}, 60_000);

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

test('a user who signed up at the auth service buys a ticket here', async () => {
  const visitor = await newcomer(stack.pods[0]);
  expect((await visitor.on(shop, 'POST /api/orders', TICKET)).status).toBe(201);
  expect((await visitor.on(shop, 'GET /api/orders')).body).toMatchObject({ orders: [{ ticketId: 'plenty' }] });
});

test('hours later the browser still orders: each request renews its cookies', async () => {
  const [auth] = stack.pods;
  const visitor = await newcomer(auth);
  for (const order of ['POST /api/orders', 'GET /api/orders', 'GET /api/orders']) {
    const before = { token: visitor.token, session: visitor.session };
    auth.clock.advance(TOKEN_LIFETIME * 2);

    const answer = await visitor.on(shop, order, order.startsWith('POST') ? TICKET : {});

    expect(answer.status).toBeLessThan(300);
    expect(answer.setCookie).toHaveLength(2);
    expect(visitor.token).not.toBe(before.token);
    expect(visitor.session).not.toBe(before.session);
    expect(await visitor.isSignedIn(auth)).toBe(true);
  }
});

test('two tabs with the same expired token both stay signed in', async () => {
  const [auth] = stack.pods;
  const visitor = await newcomer(auth);
  const tabs = [visitor.copy(), visitor.copy()];
  auth.clock.advance(TOKEN_LIFETIME * 2);
  for (const tab of tabs) expect((await tab.on(shop, 'GET /api/orders')).status).toBe(200);
  const [one, two] = tabs;
  expect(one?.session).toBe(two?.session);
});

test('after a sign-out an expired token is not renewed', async () => {
  const [auth] = stack.pods;
  const visitor = await newcomer(auth);
  const stolen = visitor.copy();
  await visitor.on(auth, 'POST /api/users/signout');
  auth.clock.advance(TOKEN_LIFETIME * 2);
  const answer = await stolen.on(shop, 'GET /api/orders');
  expect(answer).toMatchObject({ status: 401, body: { code: 'SESSION_REFUSED' }, setCookie: [] });
});

test('while the database of the auth service is down, valid tokens buy and expired ones get a 503 with Retry-After', async () => {
  const [auth] = stack.pods;
  const [current, expired] = [await newcomer(auth), await newcomer(auth)];
  auth.clock.advance(TOKEN_LIFETIME / 2);
  expect((await current.refresh(auth)).status).toBe(200);
  auth.clock.advance(TOKEN_LIFETIME / 2 + 60_000);
  for (const member of stack.database.members) await member.kill();

  expect((await current.on(shop, 'POST /api/orders', TICKET)).status).toBe(201);
  const answer = await expired.on(shop, 'GET /api/orders');

  expect(answer).toMatchObject({ status: 503, body: { code: 'REFRESH_UNAVAILABLE' }, setCookie: [] });
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
});
