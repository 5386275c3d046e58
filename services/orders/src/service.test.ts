import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import supertest from 'supertest';
import { otherSpellings, statusOf } from '@authstack/http-service/testing/other-spellings';
import { consumerSecret } from '../../../packages/verify/src/testing/secret-mount.ts';
import { readEnvironment } from './environment.ts';
import { as, key, openShop, premises, withCookie } from './testing/shop.ts';

test('a signed-in user buys a ticket and finds it among their own orders', async () => {
  await using place = await premises();
  await using shop = await openShop(place);
  const bought = await supertest(shop.url).post('/api/orders').set(as('anna')).send({ ticketId: 'plenty' });
  expect(bought.status).toBe(201);
  expect(bought.body).toEqual({
    id: expect.any(String),
    ticketId: 'plenty',
    title: 'Plenty',
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
  expect((await supertest(shop.url).get('/api/orders').set(as('anna'))).body).toEqual({ orders: [bought.body] });
  expect((await supertest(shop.url).get('/api/orders').set(as('ben'))).body).toEqual({ orders: [] });
});

test('the catalogue is public and shows how many tickets remain', async () => {
  await using place = await premises();
  await using shop = await openShop(place);
  await supertest(shop.url).post('/api/orders').set(as('anna')).send({ ticketId: 'last' });
  expect((await supertest(shop.url).get('/api/orders/tickets')).body).toEqual({
    tickets: [
      { id: 'plenty', title: 'Plenty', price: { amount: 100, currency: 'EUR' }, remaining: 1000 },
      { id: 'last', title: 'The last one', price: { amount: 200, currency: 'EUR' }, remaining: 0 },
    ],
  });
});

test.each([
  ['a second ticket of the same kind', 'anna', 'plenty', 409, 'ALREADY_BOUGHT'],
  ['a ticket that is sold out', 'ben', 'last', 409, 'SOLD_OUT'],
  ['a ticket that does not exist', 'anna', 'none', 404, 'TICKET_NOT_FOUND'],
])('a user may not buy %s', async (...[, user, ticketId, status, code]) => {
  await using place = await premises();
  await using shop = await openShop(place);
  for (const bought of ['plenty', 'last']) {
    await supertest(shop.url).post('/api/orders').set(as('anna')).send({ ticketId: bought });
  }
  const answer = await supertest(shop.url).post('/api/orders').set(as(user)).send({ ticketId });
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(JSON.parse(answer.text)).toMatchObject({ code, status });
});

test.each<[string, string, number, object]>([
  ['no ticketId', '{}', 400, { code: 'VALIDATION_FAILED', errors: [{ field: 'ticketId', code: 'REQUIRED' }] }],
  ['an empty ticketId', '{"ticketId":""}', 400, { errors: [{ field: 'ticketId', code: 'REQUIRED' }] }],
  ['a number', '{"ticketId":1}', 400, { errors: [{ field: 'ticketId', code: 'WRONG_TYPE' }] }],
  ['null', '{"ticketId":null}', 400, { errors: [{ field: 'ticketId', code: 'WRONG_TYPE' }] }],
  ['an object', '{"ticketId":{"$ne":""}}', 400, { errors: [{ field: 'ticketId', code: 'WRONG_TYPE' }] }],
  ['an over-long one', `{"ticketId":"${'x'.repeat(65)}"}`, 400, { errors: [{ field: 'ticketId', code: 'TOO_LONG' }] }],
  ['an unknown field', '{"ticketId":"plenty","price":0}', 400, { errors: [{ field: 'price', code: 'UNKNOWN_FIELD' }] }],
  ['a user id', '{"ticketId":"plenty","userId":"ben"}', 400, { errors: [{ field: 'userId', code: 'UNKNOWN_FIELD' }] }],
  ['an array', '[]', 400, { code: 'VALIDATION_FAILED', errors: [{ field: 'body', code: 'WRONG_TYPE' }] }],
  ['half a body', '{"ticketId":', 400, { code: 'MALFORMED_JSON' }],
  ['a word', 'plenty', 400, { code: 'MALFORMED_JSON' }],
  ['too much', `{"ticketId":"${'x'.repeat(5000)}"}`, 413, { code: 'BODY_TOO_LARGE' }],
])('an invalid body is refused by field, never with a 500: %s', async (...[, body, status, problem]) => {
  await using place = await premises();
  await using shop = await openShop(place);
  const headers = { ...as('anna'), 'content-type': 'application/json' };
  const answer = await supertest(shop.url).post('/api/orders').set(headers).send(body);
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.text)).toMatchObject(problem);
});

test('a form and an empty request are refused', async () => {
  await using place = await premises();
  await using shop = await openShop(place);
  const form = await supertest(shop.url).post('/api/orders').set(as('anna')).type('form').send('ticketId=plenty');
  expect(JSON.parse(form.text)).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
  expect((await supertest(shop.url).post('/api/orders').set(as('anna'))).status).toBe(415);
});

test('a visitor who is not signed in sees no orders and buys nothing', async () => {
  await using place = await premises();
  await using shop = await openShop(place);
  expect((await supertest(shop.url).get('/api/orders')).status).toBe(401);
  const answer = await supertest(shop.url).post('/api/orders').send({ ticketId: 'plenty' });
  expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
});

test('a page of another site cannot buy for its visitor; a page of the stack can', async () => {
  await using place = await premises();
  await using shop = await openShop(place);
  const buy = (site: string) =>
    supertest(shop.url)
      .post('/api/orders')
      .set({ ...withCookie('anna'), 'sec-fetch-site': site })
      .send({ ticketId: 'plenty' });
  expect((await buy('cross-site')).status).toBe(403);
  expect((await buy('same-origin')).status).toBe(201);
});

test('orders outlive the process', async () => {
  await using place = await premises();
  let bought: unknown;
  {
    await using shop = await openShop(place);
    bought = (await supertest(shop.url).post('/api/orders').set(as('anna')).send({ ticketId: 'last' })).body;
  }
  await using shop = await openShop(place);
  expect((await supertest(shop.url).get('/api/orders').set(as('anna'))).body).toEqual({ orders: [bought] });
  expect((await supertest(shop.url).post('/api/orders').set(as('ben')).send({ ticketId: 'last' })).status).toBe(409);
});

test('without its Secret the service is unready, says what it waits for, and still shows the catalogue', async () => {
  await using place = await premises({});
  await using shop = await openShop(place);
  const unready = await supertest(shop.probes).get('/readyz');
  expect(unready.status).toBe(503);
  expect(unready.text).toBe(`auth: ${place.secret.directory}: jwks.json is missing\n`);
  expect((await supertest(shop.probes).get('/healthz')).status).toBe(200);
  expect((await supertest(shop.url).get('/api/orders/tickets')).status).toBe(200);
  expect((await supertest(shop.url).get('/api/orders').set(as('anna'))).status).toBe(503);

  await place.secret.swap(consumerSecret([key]));

  await until(async () => (await supertest(shop.probes).get('/readyz')).status === 200);
  expect((await supertest(shop.url).get('/api/orders').set(as('anna'))).status).toBe(200);
});

test('metrics count purchases and refusals, the log holds no token', async () => {
  await using place = await premises();
  await using shop = await openShop(place);
  const headers = { ...withCookie('anna'), 'sec-fetch-site': 'same-origin' };
  await supertest(shop.url).post('/api/orders?token=QUERY-SECRET').set(headers).send({ ticketId: 'plenty' });
  await supertest(shop.url).get('/api/orders');
  const { text } = await supertest(shop.probes).get('/metrics');
  expect(text).toContain('orders_purchases_total{outcome="placed"} 1');
  expect(text).toContain('orders_sign_in_refusals_total{code="UNAUTHENTICATED"} 1');
  expect(text).toContain('orders_verification_keys 1');
  const log = shop.log.join('');
  expect(log).toContain('"path":"/api/orders"');
  for (const secret of ['SESSION-SECRET', 'QUERY-SECRET', 'eyJ']) expect(log).not.toContain(secret);
});

test('the page of the shop is served below /shop/, with a strict policy', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shop-'));
  await mkdir(join(directory, 'assets'));
  await writeFile(join(directory, 'index.html'), '<!doctype html><head><title>Ticket shop</title></head>');
  await writeFile(join(directory, 'assets', 'index-abc123.js'), 'export {};');
  await using place = await premises();
  const environment = { ...place.environment, ORDERS_SHOP_DIR: directory };
  await using shop = await openShop({ ...place, environment });

  const index = await supertest(shop.url).get('/shop/?from=mail');
  expect(index.text).toContain('Ticket shop');
  expect(index.headers).toMatchObject({ 'cache-control': 'no-cache', 'x-frame-options': 'DENY' });
  expect(index.headers['content-security-policy']).toContain("default-src 'none';script-src 'self'");
  // The issuer of the mounted Secret is an https address.
  expect(index.headers['strict-transport-security']).toBe('max-age=31536000');
  const script = await supertest(shop.url).get('/shop/assets/index-abc123.js');
  expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  for (const path of ['/shop', '/shop?from=mail']) {
    const redirected = await supertest(shop.url).get(path);
    expect([redirected.status, redirected.headers['location']]).toEqual([308, '/shop/']);
  }
  for (const target of ['/SHOP/', '/Shop', '/shop//', '/%73hop/', '/shop/%69ndex.html', '/shop/./index.html']) {
    expect([target, await statusOf(shop.url, 'GET', target)]).toEqual([target, 404]);
  }
  for (const path of ['/shop/gone', '/shop/../package.json', '/shop/assets/..%2f..%2fetc%2fpasswd', '/shop//evil']) {
    expect([400, 403, 404]).toContain((await supertest(shop.url).get(path)).status);
  }
  await rm(directory, { recursive: true });
});

test('each operation has one path: no other spelling of it is answered, whoever asks', async () => {
  await using place = await premises();
  await using shop = await openShop(place);
  for (const operation of ['GET /api/orders', 'POST /api/orders', 'GET /api/orders/tickets']) {
    const [method = '', path = ''] = operation.split(' ');
    expect([operation, await statusOf(shop.url, method, path)]).not.toEqual([operation, 404]);
    for (const other of otherSpellings(path)) {
      expect([method, other, await statusOf(shop.url, method, other)]).toEqual([method, other, 404]);
    }
  }
});

test('an unknown path is a 404 as a problem document', async () => {
  await using place = await premises();
  await using shop = await openShop(place);
  const answer = await supertest(shop.url).get('/api/nothing');
  expect(JSON.parse(answer.text)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
});

test('the wrong method is a 405 that allows the right ones', async () => {
  await using place = await premises();
  await using shop = await openShop(place);
  const answer = await supertest(shop.url).delete('/api/orders').set(as('anna'));
  expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD, POST, OPTIONS']);
  expect((await supertest(shop.url).post('/api/orders/tickets')).status).toBe(405);
  expect((await supertest(shop.probes).post('/healthz')).headers['allow']).toBe('GET, HEAD');
});

test('an incomplete environment names every variable that is wrong, and no value', () => {
  const environment = { ORDERS_AUTH_DIR: 'relative', ORDERS_HTTP_PORT: '99999' };
  expect(() => readEnvironment(environment)).toThrow(
    'ORDERS_AUTH_DIR: must be an absolute path\n  ORDERS_DATABASE: is not set\n  ORDERS_HTTP_PORT:',
  );
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
