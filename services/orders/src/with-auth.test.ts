import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { consumerSecret } from '../../../packages/verify/src/testing/secret-mount.ts';
import { consenting } from '../../auth/src/testing/consenting.ts';
import type { Consenting } from '../../auth/src/testing/consenting.ts';
import { startStack } from '../../auth/src/testing/stack.ts';
import type { TestStack } from '../../auth/src/testing/stack.ts';
import { newcomer } from '../../auth/src/testing/visitor.ts';
import type { Answer } from '../../auth/src/testing/visitor.ts';
import { ORIGIN, until } from '../../auth/src/testing/world.ts';
import { openShop, premises } from './testing/shop.ts';
import type { Premises, Shop } from './testing/shop.ts';

const TOKEN_LIFETIME = 1_800_000;
const TICKET = { body: { ticketId: 'plenty' } };

const made = new AsyncDisposableStack();
const account = { namespace: 'shop', name: 'orders', uid: 'uid-1' };
const orders = { id: 'shop/orders', audience: 'shop', serviceAccount: account };

let clients: Consenting;
let stack: TestStack;
let place: Premises;
let shop: Shop;

beforeAll(async () => {
  clients = made.use(await consenting([orders]));
  stack = made.use(await startStack({ environment: clients.environment }));
  const [auth] = stack.pods;
  const jwks = await (await fetch(`${auth.url}/.well-known/jwks.json`)).text();
  const { 'client-secret': _, ...secret } = consumerSecret([], {
    'jwks.json': jwks,
    issuer: ORIGIN,
    origin: ORIGIN,
    'cookie-names': '{"token":"token","session":"session"}',
    'auth-url': `https://localhost:${auth.service.ports.services}`,
    'ca.crt': clients.authority.cert,
    'client-id': orders.id,
  });
  place = made.use(await premises(secret));
  await show(account);
  // Both see the same time.
  shop = made.use(await openShop(place, auth.clock));
}, 60_000);

afterAll(() => made.disposeAsync());

/** What kubelet mounts for a pod of this ServiceAccount. */
async function show(who: typeof account): Promise<void> {
  const now = stack.pods[0].clock.now();
  await writeFile(join(place.secret.directory, 'token'), clients.cluster.token({ ...who, audience: ORIGIN, now }));
}

/** So much later, when kubelet has replaced the token. */
async function timePasses(by: number): Promise<void> {
  stack.pods[0].clock.advance(by);
  await show(account);
}

test('a user who signed up at the auth service buys a ticket here', async () => {
  const visitor = await newcomer(stack.pods[0]);
  expect((await visitor.on(shop, 'POST /api/orders', TICKET)).status).toBe(201);
  expect((await visitor.on(shop, 'GET /api/orders')).body).toMatchObject({ orders: [{ ticketId: 'plenty' }] });
});

test('hours later the browser still orders: each request renews its token, and leaves its session as it is', async () => {
  const [auth] = stack.pods;
  const visitor = await newcomer(auth);
  const { session } = visitor;
  for (const order of ['POST /api/orders', 'GET /api/orders', 'GET /api/orders']) {
    const before = visitor.token;
    await timePasses(TOKEN_LIFETIME * 2);

    const answer = await visitor.on(shop, order, order.startsWith('POST') ? TICKET : {});

    expect(answer.status).toBeLessThan(300);
    expect(answer.setCookie).toHaveLength(1);
    expect(visitor.token).not.toBe(before);
    expect(visitor.session).toBe(session);
    expect(await visitor.isSignedIn(auth)).toBe(true);
  }
});

test('without the feed it connects to nobody, and takes valid tokens all the same', async () => {
  const [auth] = stack.pods;
  const connections = async (): Promise<string> =>
    /^authstack_feed_connections (\d+)$/m.exec((await auth.probe('/metrics')).text)?.[1] ?? 'not counted';
  const environment = { ...place.environment, ORDERS_FEED: 'false' };
  await using unconnected = await openShop({ ...place, environment }, auth.clock);
  // It had more time to connect than the one after it.
  await using _connected = await openShop(place, auth.clock);
  await until(async () => Number(await connections()) >= 2, 'the others are connected');
  const visitor = await newcomer(auth);
  expect((await visitor.on(unconnected, 'GET /api/orders')).status).toBe(200);
  expect(await connections()).toBe('2');
});

test('the cookie of a renewed token has the attributes that the auth service gives it', async () => {
  const [auth] = stack.pods;
  const visitor = await newcomer(auth);
  const ofAuth = attributesOf(await visitor.refresh(auth));
  await timePasses(TOKEN_LIFETIME * 2);
  const ofShop = attributesOf(await visitor.on(shop, 'GET /api/orders'));

  const { 'max-age': lifetime, ...others } = ofShop;
  const { 'max-age': lifetimeThen, expires: _, ...othersThen } = ofAuth;
  expect(others).toEqual(othersThen);
  // Each renewal puts off the end of an idle session, so both last as long, but for rounding.
  expect(Math.abs(Number(lifetimeThen) - Number(lifetime))).toBeLessThanOrEqual(1);
});

/** Of the access token's cookie. */
function attributesOf({ setCookie }: Answer): Readonly<Record<string, string>> {
  const line = setCookie.find((each) => each.startsWith('token=')) ?? '';
  const pairs = line
    .split('; ')
    .slice(1)
    .map((attribute) => attribute.split('='));
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name.toLowerCase(), value]));
}

test('two tabs with the same expired token both stay signed in', async () => {
  const [auth] = stack.pods;
  const visitor = await newcomer(auth);
  const tabs = [visitor.copy(), visitor.copy()];
  await timePasses(TOKEN_LIFETIME * 2);
  for (const tab of tabs) expect((await tab.on(shop, 'GET /api/orders')).status).toBe(200);
  for (const tab of tabs) expect((await tab.refresh(auth)).status).toBe(200);
});

test('after a sign-out an expired token is not renewed', async () => {
  const [auth] = stack.pods;
  const visitor = await newcomer(auth);
  const stolen = visitor.copy();
  await visitor.on(auth, 'POST /api/users/signout');
  await timePasses(TOKEN_LIFETIME * 2);
  const answer = await stolen.on(shop, 'GET /api/orders');
  expect(answer).toMatchObject({ status: 401, body: { code: 'SESSION_REFUSED' }, setCookie: [] });
});

test('whoever shows the token of another ServiceAccount renews nothing, and nobody is signed out by it', async () => {
  const [auth] = stack.pods;
  const visitor = await newcomer(auth);
  await timePasses(TOKEN_LIFETIME * 2);
  await show({ ...account, name: 'other' });
  const answer = await visitor.on(shop, 'GET /api/orders');
  expect(answer).toMatchObject({ status: 503, body: { code: 'REFRESH_UNAVAILABLE' }, setCookie: [] });
  const told = shop.log.find((line) => line.includes('the auth service refuses this service'));
  expect(told).toContain('shop/other');

  await show(account);
  expect((await visitor.on(shop, 'GET /api/orders')).status).toBe(200);
});

test('once consent is withdrawn nothing is renewed, until there is consent again', async () => {
  const [auth] = stack.pods;
  const visitor = await newcomer(auth);
  await timePasses(TOKEN_LIFETIME * 2);
  const isRenewed = async (): Promise<boolean> => (await visitor.copy().on(shop, 'GET /api/orders')).status === 200;
  await clients.become([]);
  await until(async () => !(await isRenewed()), 'the shop is refused');
  await clients.become([orders]);
  await until(isRenewed, 'the shop is let in again');
});

test('while the database of the auth service is down, valid tokens buy and expired ones get a 503 with Retry-After', async () => {
  const [auth] = stack.pods;
  const [current, expired] = [await newcomer(auth), await newcomer(auth)];
  await timePasses(TOKEN_LIFETIME / 2);
  expect((await current.refresh(auth)).status).toBe(200);
  await timePasses(TOKEN_LIFETIME / 2 + 60_000);
  for (const member of stack.database.members) await member.kill();

  expect((await current.on(shop, 'POST /api/orders', TICKET)).status).toBe(201);
  const answer = await expired.on(shop, 'GET /api/orders');

  expect(answer).toMatchObject({ status: 503, body: { code: 'REFRESH_UNAVAILABLE' }, setCookie: [] });
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
});
