import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import express from 'express';
import supertest from 'supertest';
import { part, signingKey } from './testing/issuer.ts';
import {
  closeShops,
  cookies,
  fromPage,
  key,
  openShop,
  refusing,
  renewing,
  SESSION_EXPIRES_IN,
  sessionOf,
} from './testing/shop.ts';
import type { Shop } from './testing/shop.ts';
import { serviceListener } from './testing/service-listener.ts';
import type { Asked } from './testing/service-listener.ts';

afterEach(closeShops);

/** Of no Secret that is mounted here. */
const gone = signingKey('gone');

const failing = (response: ServerResponse): unknown => response.writeHead(500).end();

test('the auth service renews an expired token, and the browser is given it as the auth service gives it', async () => {
  const { token } = await openShop();
  const fresh = token({ jti: 'fresh' });
  await using auth = await serviceListener({ answer: renewing(fresh) });
  const shop = await openShop({ auth });
  // The same key signs in both shops.
  const answer = await supertest(shop.app)
    .post('/orders')
    .set({ ...fromPage, cookie: cookies(shop.expired(), 's1') });

  expect(answer).toMatchObject({ status: 200, body: { user: 'user-1' } });
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['set-cookie']).toEqual([
    `__Host-token=${fresh}; Max-Age=${SESSION_EXPIRES_IN}; Path=/; HttpOnly; Secure; SameSite=Lax`,
  ]);
  const authorization = `Basic ${Buffer.from('shop%2Forders:CLIENT-SECRET').toString('base64')}`;
  expect(auth.asked).toMatchObject([
    { method: 'POST', url: '/api/users/refresh', headers: { authorization }, body: '{"session_token":"s1"}' },
  ]);
  expect(auth.asked[0]?.headers).not.toHaveProperty('cookie');
  expect(shop.events).toContainEqual({ type: 'refresh', outcome: 'refreshed' });
});

test('where the cookies have plain names, for http on localhost, the renewed one is not Secure either', async () => {
  const { token } = await openShop();
  await using auth = await serviceListener({ answer: renewing(token()) });
  const names = { token: 'token', session: 'session' };
  const shop = await openShop({ auth: { ...auth, files: { ...auth.files, 'cookie-names': JSON.stringify(names) } } });
  const cookie = `token=${shop.expired()}; session=s1`;
  const answer = await supertest(shop.app).get('/orders').set('cookie', cookie);
  expect(answer.headers['set-cookie']).toEqual([
    expect.stringMatching(/^token=[^;]+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/),
  ]);
});

test('a 401 of the auth service is about this service: nobody is signed out, and whoever runs it is told why', async () => {
  const detail = 'its ServiceAccount is not that of an AuthConsumer';
  await using auth = await serviceListener({
    answer: (response) => response.writeHead(401).end(JSON.stringify({ code: 'INVALID_CLIENT', detail })),
  });
  const { app, expired, events, verifier } = await openShop({ auth });
  for (const session of ['s1', 's2']) {
    const answer = await supertest(app).get('/orders').set('cookie', cookies(expired(), session));
    expect(JSON.parse(answer.text)).toMatchObject({ status: 503, code: 'REFRESH_UNAVAILABLE' });
    expect(answer.text).not.toContain(detail);
  }
  expect(events.filter(({ type }) => type === 'clientRefused')).toEqual([
    { type: 'clientRefused', clientId: 'shop/orders', reason: detail },
  ]);
  expect(events).toContainEqual({ type: 'refresh', outcome: 'unavailable', reason: expect.stringContaining(detail) });
  expect(verifier.status).toMatchObject({ state: 'ready', client: { by: 'clientSecret', refused: detail } });
});

test('whoever runs the service is told with which code it was refused', async () => {
  await using auth = await serviceListener({ answer: refusing('AUDIENCE_REFUSED') });
  const { app, expired, events } = await openShop({ auth });
  await supertest(app).get('/orders').set('cookie', cookies(expired(), 's1'));
  expect(events).toContainEqual({ type: 'refresh', outcome: 'unavailable', reason: 'status 403 AUDIENCE_REFUSED' });
});

test('where the stack lets no service renew tokens, an expired one is just that, and its session has not ended', async () => {
  await using auth = await serviceListener({ answer: refusing('INLINE_REFRESH_OFF') });
  const { app, expired, events } = await openShop({ auth });
  const answer = await supertest(app).get('/orders').set('cookie', cookies(expired(), 's1'));
  expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code: 'TOKEN_EXPIRED' });
  const reason: unknown = expect.stringContaining('inlineRefresh');
  expect(events).toContainEqual({ type: 'refresh', outcome: 'unavailable', reason });
});

test('concurrent requests of one session send one refresh', async () => {
  const answers: (() => void)[] = [];
  const { token } = await openShop();
  const fresh = token();
  await using auth = await serviceListener({
    answer: (...asked) =>
      answers.push(() => {
        renewing(fresh)(...asked);
      }),
  });
  const shop = await openShop({ auth });
  let begun = 0;
  const allBegun = Promise.withResolvers<undefined>();
  const app = express().use((_request, _response, next) => {
    begun += 1;
    next();
    if (begun === 10) allBegun.resolve(undefined);
  }, shop.app);
  const server = app.listen(0);
  try {
    const headers = { cookie: cookies(shop.expired(), 's1') };
    const asking = Array.from({ length: 10 }, () =>
      supertest(server)
        .get('/orders')
        .set(headers)
        .then(({ status }) => status),
    );
    await Promise.all([allBegun.promise, auth.wasAsked(1)]);
    for (const answer of answers) answer();
    expect(await Promise.all(asking)).toEqual(Array<number>(10).fill(200));
    expect(auth.asked).toHaveLength(1);
  } finally {
    server.close();
  }
});

test('a cookie that one handler sets is not sent to another request of the same refresh', async () => {
  const held: [ServerResponse, Asked][] = [];
  await using auth = await serviceListener({ answer: (...asked) => held.push(asked) });
  const { app, expired, token, verifier } = await openShop({ auth });
  let arrived = 0;
  const bothArrived = Promise.withResolvers<undefined>();
  const counted = express()
    .use((_request, _response, next) => {
      arrived += 1;
      next();
      if (arrived === 2) bothArrived.resolve(undefined);
    })
    .get('/mine/:name', verifier.requireUser(), (request, response) => {
      response.appendHeader('set-cookie', `cart=${request.params.name}`).end();
    })
    .use(app);
  const server = counted.listen(0);
  try {
    const asking = ['anna', 'ben'].map((name) =>
      supertest(server)
        .get(`/mine/${name}`)
        .set('cookie', cookies(expired(), 's1'))
        .then(({ headers }) => headers['set-cookie']),
    );
    await Promise.all([bothArrived.promise, auth.wasAsked(1)]);
    for (const asked of held) renewing(token())(...asked);
    const renewed = [expect.stringContaining('__Host-token=')];
    expect(await Promise.all(asking)).toEqual([
      [...renewed, 'cart=anna'],
      [...renewed, 'cart=ben'],
    ]);
  } finally {
    server.close();
  }
});

test('requests of two sessions each send their own refresh', async () => {
  const { token } = await openShop();
  await using auth = await serviceListener({ answer: renewing(token()) });
  const { app, expired } = await openShop({ auth });
  for (const session of ['s1', 's2']) {
    await supertest(app).get('/orders').set('cookie', cookies(expired(), session));
  }
  expect(auth.asked.map(sessionOf)).toEqual(['s1', 's2']);
});

test.each(['SESSION_INVALID', 'SESSION_REUSED', 'USER_BANNED', 'USER_DISABLED'])(
  'a session that the auth service refuses is a 401, and the cookies are left alone: %s',
  async (code) => {
    await using auth = await serviceListener({ answer: refusing(code) });
    const { app, expired, events } = await openShop({ auth });
    const answer = await supertest(app).get('/orders').set('cookie', cookies(expired(), 's1'));
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'SESSION_REFUSED' });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(events).toContainEqual({ type: 'refresh', outcome: 'refused' });
  },
);

const answering = (text: string) => (response: ServerResponse) => response.writeHead(200).end(text);

test.each<[string, (response: ServerResponse, asked: Asked) => void, string]>([
  ['it has no database', (response) => response.writeHead(503, { 'retry-after': '7' }).end(), '7'],
  ['it asks for an hour', (response) => response.writeHead(503, { 'retry-after': '3600' }).end(), '60'],
  ['it fails', (response) => response.writeHead(500).end(), '2'],
  ['something else answers', (response) => response.writeHead(404).end(), '2'],
  ['it points elsewhere', (response) => response.writeHead(307, { location: 'https://evil.example' }).end(), '2'],
  ['it refuses for no reason of a session', refusing('CSRF_REJECTED'), '2'],
  ['it refuses without a code', (response) => response.writeHead(403).end('<html>'), '2'],
  ['it gives no token', answering('{"session_expires_in":60}'), '2'],
  ['it does not say how long the session lasts', answering('{"access_token":"a.b.c"}'), '2'],
  ['the session lasts no time at all', answering('{"access_token":"a.b.c","session_expires_in":0}'), '2'],
  ['its answer is no JSON', answering('ok'), '2'],
  ['its answer has no end', answering('x'.repeat(70_000)), '2'],
  ['its answer is cut off', (response) => response.write('{', () => response.destroy()), '2'],
  ['its token does not hold here', renewing('a.b.c'), '2'],
  ['it hangs up', (response) => response.destroy(), '2'],
])('while the auth service cannot renew, nobody is signed out: %s', async (_what, answerOf, retryAfter) => {
  await using auth = await serviceListener({ answer: answerOf });
  const { app, expired } = await openShop({ auth });
  const answer = await supertest(app).get('/orders').set('cookie', cookies(expired(), 's1'));
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBe(retryAfter);
  expect(answer.headers['set-cookie']).toBeUndefined();
  expect(JSON.parse(answer.text)).toMatchObject({ code: 'REFRESH_UNAVAILABLE' });
});

test('an unreachable auth service is a 503, and a public page stays public', async () => {
  const { app, expired, events } = await openShop();
  const headers = { cookie: cookies(expired(), 's1') };
  expect((await supertest(app).get('/orders').set(headers)).status).toBe(503);
  expect((await supertest(app).get('/both').set(headers)).status).toBe(503);
  expect((await supertest(app).get('/catalogue').set(headers)).body).toMatchObject({ user: null });
  expect(events).toContainEqual({ type: 'refresh', outcome: 'unavailable', reason: expect.any(String) });
});

test('a refresh times out after two seconds', async () => {
  await using auth = await serviceListener({ answer: () => undefined });
  const { app, expired, clock } = await openShop({ auth });
  const server = app.listen(0);
  try {
    const asking = supertest(server)
      .get('/orders')
      .set('cookie', cookies(expired(), 's1'))
      .then(({ status }) => status);
    await auth.wasAsked(1);
    clock.advance(2_000);
    expect(await asking).toBe(503);
  } finally {
    server.close();
  }
});

test.each<[string, (shop: Shop) => Record<string, string>, string]>([
  ['without a session', ({ expired }) => ({ cookie: cookies(expired()) }), 'TOKEN_EXPIRED'],
  [
    'as a bearer',
    ({ expired }) => ({ authorization: `Bearer ${expired()}`, cookie: cookies(expired(), 's1') }),
    'TOKEN_EXPIRED',
  ],
  ['of another issuer', ({ expired }) => ({ cookie: cookies(expired({ iss: 'x' }), 's1') }), 'TOKEN_ISSUER_REFUSED'],
  ['a session that is no cookie value', ({ expired }) => ({ cookie: cookies(expired(), 's"1') }), 'SESSION_REFUSED'],
])('an expired token is not renewed %s', async (_what, headersOf, code) => {
  await using auth = await serviceListener({ answer: failing });
  const shop = await openShop({ auth });
  const answer = await supertest(shop.app).get('/orders').set(headersOf(shop));
  expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code });
  expect(auth.asked).toEqual([]);
});

test('a token of one session is never renewed by another', async () => {
  const { token } = await openShop();
  await using auth = await serviceListener({ answer: renewing(token({ sid: 'session-2', sub: 'user-2' })) });
  const { app, expired } = await openShop({ auth });
  const answer = await supertest(app).get('/orders').set('cookie', cookies(expired(), 's2'));
  expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code: 'SESSION_REFUSED' });
  expect(answer.headers['set-cookie']).toBeUndefined();
});

/** Status of each answer to one expired token of session-1, with each of the session tokens. */
async function statusesOf(server: Server, { expired }: Shop, sessions: readonly string[]): Promise<number[]> {
  const token = expired();
  const answers = sessions.map((session) => supertest(server).get('/orders').set('cookie', cookies(token, session)));
  return (await Promise.all(answers)).map(({ status }) => status);
}

const invented = (count: number, name = 'junk'): string[] => Array.from({ length: count }, (_, n) => `${name}-${n}`);

test('one expired token with any number of invented session tokens has the auth service asked ten times in ten seconds', async () => {
  await using auth = await serviceListener({ answer: refusing() });
  const shop = await openShop({ auth });
  const server = shop.app.listen(0);
  try {
    const statuses = await statusesOf(server, shop, invented(200));
    expect(auth.asked).toHaveLength(10);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 503)).toHaveLength(190);

    shop.clock.advance(9_999);
    const late = await supertest(server).get('/orders').set('cookie', cookies(shop.expired(), 'late'));
    expect(late).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(auth.asked).toHaveLength(10);

    shop.clock.advance(1);
    expect(await statusesOf(server, shop, ['late'])).toEqual([401]);
  } finally {
    server.close();
  }
});

test('a flood on one session delays no other', async () => {
  const honest = { sid: 'session-2' };
  const { token } = await openShop();
  await using auth = await serviceListener({
    answer: (...asked) => {
      const isHonest = sessionOf(asked[1]) === 'honest';
      (isHonest ? renewing(token(honest)) : refusing())(...asked);
    },
  });
  const shop = await openShop({ auth });
  const server = shop.app.listen(0);
  try {
    await statusesOf(server, shop, invented(50));
    const answer = await supertest(server)
      .get('/orders')
      .set('cookie', cookies(shop.expired(honest), 'honest'));
    expect(answer.status).toBe(200);
  } finally {
    server.close();
  }
});

test('a session token that was refused is refused for ten seconds without a question', async () => {
  await using auth = await serviceListener({ answer: refusing() });
  const shop = await openShop({ auth });
  const server = shop.app.listen(0);
  try {
    for (const after of [0, 5_000, 4_999]) {
      shop.clock.advance(after);
      expect(await statusesOf(server, shop, ['ended'])).toEqual([401]);
      expect(auth.asked).toHaveLength(1);
    }
    shop.clock.advance(1);
    expect(await statusesOf(server, shop, ['ended'])).toEqual([401]);
    expect(auth.asked).toHaveLength(2);
  } finally {
    server.close();
  }
});

test('while the auth service is away nobody uses up what they need when it is back', async () => {
  let isAway = true;
  const { token } = await openShop();
  await using auth = await serviceListener({
    answer: (response, asked) => {
      if (isAway) response.destroy();
      else renewing(token())(response, asked);
    },
  });
  const shop = await openShop({ auth });
  const server = shop.app.listen(0);
  try {
    for (let n = 0; n < 30; n += 1) expect(await statusesOf(server, shop, ['s1'])).toEqual([503]);
    isAway = false;
    expect(await statusesOf(server, shop, ['s1'])).toEqual([200]);
  } finally {
    server.close();
  }
});

test('in all 32 sessions are renewed at once, 256 wait their turn, and the rest is a 503 at once', async () => {
  const held: [ServerResponse, Asked][] = [];
  let isHeld = true;
  const { token } = await openShop();
  const renew = renewing((sid) => token({ sid }));
  await using auth = await serviceListener({
    answer: (...asked) => {
      if (isHeld) held.push(asked);
      else renew(...asked);
    },
  });
  const shop = await openShop({ auth });
  const server = shop.app.listen(0);
  server.setMaxListeners(0);
  try {
    const statuses: number[] = [];
    const asking = invented(300, 'session').map(async (sid) => {
      const answer = await supertest(server)
        .get('/orders')
        .set('cookie', cookies(shop.expired({ sid }), sid));
      statuses.push(answer.status);
      server.emit('answered');
    });
    while (statuses.length < 12) await once(server, 'answered');
    await auth.wasAsked(32);
    expect(statuses).toEqual(Array<number>(12).fill(503));
    expect(auth.asked).toHaveLength(32);

    isHeld = false;
    for (const asked of held) renew(...asked);
    await Promise.all(asking);
    expect(statuses.slice(12)).toEqual(Array<number>(288).fill(200));
  } finally {
    server.close();
  }
});

test('whoever waits for a place has the same two seconds', async () => {
  await using auth = await serviceListener({ answer: () => undefined });
  const shop = await openShop({ auth });
  const server = shop.app.listen(0);
  try {
    const asking = Promise.all(
      invented(40, 'session').map((sid) =>
        supertest(server)
          .get('/orders')
          .set('cookie', cookies(shop.expired({ sid }), sid))
          .then(({ status }) => status),
      ),
    );
    await auth.wasAsked(32);
    await shop.begun(40);
    shop.clock.advance(2_000);
    expect(await asking).toEqual(Array<number>(40).fill(503));
    expect(auth.asked).toHaveLength(32);
  } finally {
    server.close();
  }
});

test('a token whose key is gone is renewed by its session, whether it has expired or not', async () => {
  const { token } = await openShop();
  await using auth = await serviceListener({ answer: renewing(token({ jti: 'fresh' })) });
  const shop = await openShop({ auth });
  for (const old of [shop.token({}, gone), shop.token({ iat: 1, exp: 2 }, gone)]) {
    const answer = await supertest(shop.app).get('/orders').set('cookie', cookies(old, 's1'));
    expect(answer).toMatchObject({ status: 200, body: { user: 'user-1' } });
    expect(answer.headers['set-cookie']).toHaveLength(1);
  }
  expect(auth.asked.map(sessionOf)).toEqual(['s1', 's1']);
});

test.each<[string, (shop: Shop) => Record<string, string>, string]>([
  ['without a session', ({ token }) => ({ cookie: cookies(token({}, gone)) }), 'TOKEN_KEY_UNKNOWN'],
  [
    'as a bearer',
    ({ token }) => ({ authorization: `Bearer ${token({}, gone)}`, cookie: cookies(token(), 's1') }),
    'TOKEN_KEY_UNKNOWN',
  ],
  ['of another issuer', ({ token }) => ({ cookie: cookies(token({ iss: 'x' }, gone), 's1') }), 'TOKEN_KEY_UNKNOWN'],
  ['for another service', ({ token }) => ({ cookie: cookies(token({ aud: 'x' }, gone), 's1') }), 'TOKEN_KEY_UNKNOWN'],
  ['that names no session', ({ token }) => ({ cookie: cookies(token({ sid: '' }, gone), 's1') }), 'TOKEN_KEY_UNKNOWN'],
  [
    'whose payload is no JSON',
    ({ token }) => {
      const [header = '', , signature = ''] = token({}, gone).split('.');
      return { cookie: cookies(`${header}.${part('{')}.${signature}`, 's1') };
    },
    'TOKEN_KEY_UNKNOWN',
  ],
  [
    'with the kid of a key in force',
    ({ token }) => ({ cookie: cookies(token({}, { ...gone, kid: 'k1' }), 's1') }),
    'TOKEN_SIGNATURE_INVALID',
  ],
])('a token whose key is gone is not renewed %s', async (_what, headersOf, code) => {
  await using auth = await serviceListener({ answer: failing });
  const shop = await openShop({ auth });
  const answer = await supertest(shop.app).get('/orders').set(headersOf(shop));
  expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code });
  expect(auth.asked).toEqual([]);
});

test('a token whose key is gone, from another site, is refused before anybody is asked', async () => {
  await using auth = await serviceListener({ answer: failing });
  const { app, token } = await openShop({ auth });
  const headers = { 'sec-fetch-site': 'cross-site', cookie: cookies(token({}, gone), 's1') };
  expect((await supertest(app).post('/orders').set(headers)).status).toBe(403);
  expect(auth.asked).toEqual([]);
});

test('a token whose key is gone makes nobody the user that it names: only the renewed one counts', async () => {
  const { token } = await openShop();
  await using auth = await serviceListener({ answer: renewing(token({ sub: 'user-2', ver: 7 })) });
  const { app, token: forged } = await openShop({ auth });
  const admin = forged({ sub: 'somebody-else', roles: ['admin'] }, gone);
  const answer = await supertest(app).get('/orders').set('cookie', cookies(admin, 's1'));
  expect(answer).toMatchObject({ status: 200, body: { user: 'user-2' } });
});

test('invented tokens of unknown keys have the auth service asked 50 times in ten seconds, and cost proven ones nothing', async () => {
  const { token } = await openShop();
  await using auth = await serviceListener({
    answer: (...asked) => {
      (sessionOf(asked[1]) === 'honest' ? renewing(token()) : refusing())(...asked);
    },
  });
  const shop = await openShop({ auth });
  const server = shop.app.listen(0);
  const statusOf = async (text: string, session: string): Promise<number> =>
    (await supertest(server).get('/orders').set('cookie', cookies(text, session))).status;
  try {
    const statuses: number[] = [];
    for (const name of invented(70)) statuses.push(await statusOf(shop.token({ sid: name }, gone), name));
    expect(statuses).toEqual([...Array<number>(50).fill(401), ...Array<number>(20).fill(503)]);
    expect(auth.asked).toHaveLength(50);

    expect(await statusOf(shop.expired(), 'honest')).toBe(200);
    expect(await statusOf(shop.token({}, gone), 'honest')).toBe(503);
    shop.clock.advance(10_000);
    expect(await statusOf(shop.token({}, gone), 'honest')).toBe(200);
  } finally {
    server.close();
  }
});

test('a session of another user cannot be tried again and again with invented tokens', async () => {
  const { token } = await openShop();
  await using auth = await serviceListener({ answer: renewing(token()) });
  const shop = await openShop({ auth });
  const statuses: number[] = [];
  for (const sid of invented(60)) {
    const answer = await supertest(shop.app)
      .get('/orders')
      .set('cookie', cookies(shop.token({ sid }, gone), 's1'));
    expect(answer.headers['set-cookie']).toBeUndefined();
    statuses.push(answer.status);
  }
  expect(statuses).toEqual([...Array<number>(50).fill(401), ...Array<number>(10).fill(503)]);
});

test('a service that lacks the key that signs now signs nobody out, and asks once in two seconds', async () => {
  const { token } = await openShop();
  await using auth = await serviceListener({ answer: renewing(token({}, gone)) });
  const shop = await openShop({ auth });
  for (const sid of invented(20)) {
    const answer = await supertest(shop.app)
      .get('/orders')
      .set('cookie', cookies(shop.token({ sid }, gone), sid));
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
  }
  expect(auth.asked).toHaveLength(1);
  shop.clock.advance(2_000);
  await supertest(shop.app)
    .get('/orders')
    .set('cookie', cookies(shop.token({}, gone), 's1'));
  expect(auth.asked).toHaveLength(2);
});

test('when the missing key is mounted, nobody waits for the two seconds to end', async () => {
  const renewed = signingKey('k2');
  const { token } = await openShop();
  await using auth = await serviceListener({ answer: renewing(token({}, renewed)) });
  const shop = await openShop({ auth });
  const headers = { cookie: cookies(shop.token({}, gone), 's1') };
  expect((await supertest(shop.app).get('/orders').set(headers)).status).toBe(503);
  await shop.mount([key, renewed]);
  expect((await supertest(shop.app).get('/orders').set(headers)).status).toBe(200);
});
