import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import express from 'express';
import type { Express, Request } from 'express';
import supertest from 'supertest';
import { createVerifier, currentUserOf, userOf } from './index.ts';
import type { Verifier, VerifierEvent } from './index.ts';
import { authService } from './testing/auth-service.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { claimsAt, ISSUER, signingKey, tokenOf } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';

const key = signingKey('k1');
const stranger = signingKey('k1');
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

interface Shop {
  readonly app: Express;
  readonly verifier: Verifier;
  readonly clock: FakeClock;
  readonly events: VerifierEvent[];
  readonly token: (changed?: object, signer?: typeof key) => string;
  readonly expired: (changed?: object) => string;
}

async function openShop({ authUrl = 'http://127.0.0.1:1', isReady = true } = {}): Promise<Shop> {
  const mount = await secretMount(isReady ? consumerSecret([key], { 'auth-url': authUrl }) : undefined);
  const clock = new FakeClock();
  const events: VerifierEvent[] = [];
  const verifier = createVerifier({ directory: mount.directory, clock, report: (event) => events.push(event) });
  opened.push({
    async [Symbol.asyncDispose]() {
      verifier.close();
      await mount[Symbol.asyncDispose]();
    },
  });
  const app = express()
    .get('/catalogue', verifier.currentUser(), (request, response) => {
      response.json({ user: currentUserOf(request)?.id ?? null, ...seenBy(request) });
    })
    .all('/orders', verifier.requireUser(), (request, response) => {
      response.json({ user: userOf(request).id, ...seenBy(request) });
    })
    .get('/both', verifier.currentUser(), verifier.requireUser(), (request, response) => {
      response.json({ user: userOf(request).id });
    })
    .get('/hidden', verifier.hideSession(), (request, response) => {
      response.json(seenBy(request));
    })
    .get('/unguarded', (request, response) => {
      response.json({ user: userOf(request).id });
    });
  app.use(errorAsText);
  const token = (changed = {}, signer = key) => tokenOf(signer, { ...claimsAt(clock), ...changed });
  const seconds = clock.now() / 1000;
  const expired = (changed = {}) => token({ iat: seconds - 1900, exp: seconds - 100, ...changed });
  return { app, verifier, clock, events, token, expired };
}

// eslint-disable-next-line max-params -- because Express tells an error handler by its four parameters
function errorAsText(error: unknown, _request: IncomingMessage, response: ServerResponse, _next: unknown): void {
  response.statusCode = 500;
  response.end(String(error));
}

/** Everything that a handler could read cookies from. */
function seenBy({ headers, rawHeaders, headersDistinct }: Request): object {
  return { seen: JSON.stringify([headers, rawHeaders, headersDistinct]) };
}

const fromPage = { 'sec-fetch-site': 'same-origin' };
const cookies = (token: string, session?: string) =>
  `theme=dark; __Host-token=${token}${session === undefined ? '' : `; __Host-session=${session}`}; lang=en`;

/** Answers like the auth service: both cookies anew. */
function renewing(token: string): (response: ServerResponse) => void {
  return (response) => {
    const attributes = 'Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax';
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'set-cookie': [`__Host-token=${token}; ${attributes}`, `__Host-session=s2; ${attributes}`, 'other=1'],
      })
      .end('{}');
  };
}

test('a valid bearer token is accepted from anywhere', async () => {
  const { app, token } = await openShop();
  const answer = await supertest(app).post('/orders').set('authorization', `Bearer ${token()}`);
  expect(answer).toMatchObject({ status: 200, body: { user: 'user-1' } });
});

test('a valid token in the cookie is accepted', async () => {
  const { app, token } = await openShop();
  const answer = await supertest(app).get('/orders').set('cookie', cookies(token()));
  expect(answer).toMatchObject({ status: 200, body: { user: 'user-1' } });
});

test('a request without a token is answered with a problem document', async () => {
  const { app, events } = await openShop();
  const answer = await supertest(app).get('/orders');
  expect(answer.status).toBe(401);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'www-authenticate': 'Bearer',
    'cache-control': 'no-store',
  });
  expect(JSON.parse(answer.text)).toEqual({
    type: 'tag:authstack.dev,2026:problem:UNAUTHENTICATED',
    title: 'Sign in first',
    status: 401,
    code: 'UNAUTHENTICATED',
    detail: 'sign in first',
  });
  expect(events).toContainEqual({ type: 'refused', code: 'UNAUTHENTICATED' });
});

test.each([
  ['not a bearer', 'Basic dXNlcjpwYXNz', 'AUTHORIZATION_MALFORMED'],
  ['no token', 'Bearer', 'AUTHORIZATION_MALFORMED'],
  ['empty', '', 'AUTHORIZATION_MALFORMED'],
  ['two tokens', 'Bearer a.b.c d.e.f', 'AUTHORIZATION_MALFORMED'],
  ['a token that is none', 'Bearer abc', 'TOKEN_MALFORMED'],
])('Authorization alone counts where it is present, whatever cookies say: %s', async (_what, authorization, code) => {
  const { app, token } = await openShop();
  for (const path of ['/orders', '/catalogue']) {
    const answer = await supertest(app)
      .get(path)
      .set({ authorization, cookie: cookies(token()) });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", error_description="[^"]+"$/);
    expect(JSON.parse(answer.text)).toMatchObject({ code });
  }
});

test('a forged cookie counts as nobody where no user is required, and is refused where one is', async () => {
  const { app, token } = await openShop();
  const cookie = cookies(token({}, stranger));
  expect((await supertest(app).get('/catalogue').set('cookie', cookie)).body).toMatchObject({ user: null });
  const answer = await supertest(app).get('/orders').set('cookie', cookie);
  expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code: 'TOKEN_SIGNATURE_INVALID' });
});

test.each<[string, Record<string, string>, number]>([
  ['Sec-Fetch-Site: same-origin', { 'sec-fetch-site': 'same-origin' }, 200],
  ['the origin, where Sec-Fetch-Site is absent', { origin: ISSUER }, 200],
  ['neither', {}, 403],
  ['another origin', { origin: 'https://evil.example' }, 403],
  ['the origin with another port', { origin: `${ISSUER}:8443` }, 403],
  ['origin null', { origin: 'null' }, 403],
  ['same-site: a sibling host', { 'sec-fetch-site': 'same-site' }, 403],
  ['cross-site, whatever Origin says', { 'sec-fetch-site': 'cross-site', origin: ISSUER }, 403],
  ['none: typed into the address bar', { 'sec-fetch-site': 'none' }, 403],
])('a change that a cookie authenticates must come from a page of the stack: %s', async (_what, headers, status) => {
  const { app, token } = await openShop();
  for (const method of ['post', 'put', 'patch', 'delete'] as const) {
    const answer = await supertest(app)
      [method]('/orders')
      .set({ ...headers, cookie: cookies(token()) });
    expect(answer.status).toBe(status);
    if (status === 403) expect(JSON.parse(answer.text)).toMatchObject({ code: 'CSRF_REJECTED' });
  }
});

test('a request that changes nothing may come from any site', async () => {
  const { app, token } = await openShop();
  for (const method of ['get', 'head', 'options'] as const) {
    const answer = await supertest(app)
      [method]('/orders')
      .set({ 'sec-fetch-site': 'cross-site', cookie: cookies(token()) });
    expect(answer.status).toBe(200);
  }
});

test('a foreign page cannot have a session renewed', async () => {
  await using auth = await authService((response) => response.writeHead(200).end());
  const { app, expired } = await openShop({ authUrl: auth.url });
  const headers = { 'sec-fetch-site': 'cross-site', cookie: cookies(expired(), 's1') };
  expect((await supertest(app).post('/orders').set(headers)).status).toBe(403);
  expect(auth.asked).toEqual([]);
});

test.each(['/orders', '/catalogue', '/hidden'])('no handler sees the session token: %s', async (path) => {
  const { app, token } = await openShop();
  const answer = await supertest(app).get(path).set('cookie', cookies(token(), 'SESSION-SECRET'));
  const { seen } = answer.body as { seen: string };
  expect(seen).not.toContain('SESSION-SECRET');
  expect(seen).toContain('theme=dark');
  expect(seen).toContain('lang=en');
});

test('no handler sees the session token, not even where a bearer asks or a cookie parser ran before', async () => {
  const { app, verifier, token } = await openShop();
  const parsed = express().get('/', withCookieParser, verifier.requireUser(), (request: Request, response) => {
    response.json({ cookies: request.cookies as unknown, ...seenBy(request) });
  });
  const headers = { authorization: `Bearer ${token()}`, cookie: '__Host-session=SESSION-SECRET' };
  for (const each of [parsed, app]) {
    const answer = await supertest(each)
      .get(each === app ? '/orders' : '/')
      .set(headers);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('SESSION-SECRET');
  }
});

function withCookieParser(request: Request, _response: unknown, next: () => void): void {
  request.cookies = { '__Host-session': 'SESSION-SECRET' };
  // Computes what Node keeps.
  expect(request.headersDistinct['cookie']).toHaveLength(1);
  next();
}

test('the auth service renews an expired token, and both cookies are passed on to the browser', async () => {
  const { token } = await openShop();
  const fresh = token({ jti: 'fresh' });
  await using auth = await authService(renewing(fresh));
  const shop = await openShop({ authUrl: auth.url });
  // The same key signs in both shops.
  const answer = await supertest(shop.app)
    .post('/orders')
    .set({ ...fromPage, cookie: cookies(shop.expired(), 's1') });

  expect(answer).toMatchObject({ status: 200, body: { user: 'user-1' } });
  expect(answer.headers['set-cookie']).toEqual([
    expect.stringMatching(/^__Host-token=.+; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    expect.stringMatching(/^__Host-session=s2; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
  ]);
  expect(auth.asked).toMatchObject([
    { method: 'POST', url: '/api/users/refresh', headers: { cookie: '__Host-session=s1', origin: ISSUER } },
  ]);
  expect(auth.asked[0]?.headers.authorization).toBeUndefined();
  expect(shop.events).toContainEqual({ type: 'refresh', outcome: 'refreshed' });
});

test('concurrent requests of one session send one refresh', async () => {
  const answers: (() => void)[] = [];
  const { token } = await openShop();
  const fresh = token();
  await using auth = await authService((response) =>
    answers.push(() => {
      renewing(fresh)(response);
    }),
  );
  const shop = await openShop({ authUrl: auth.url });
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

test('requests of two sessions each send their own refresh', async () => {
  const { token } = await openShop();
  await using auth = await authService(renewing(token()));
  const { app, expired } = await openShop({ authUrl: auth.url });
  for (const session of ['s1', 's2']) {
    await supertest(app).get('/orders').set('cookie', cookies(expired(), session));
  }
  expect(auth.asked.map(({ headers }) => headers.cookie)).toEqual(['__Host-session=s1', '__Host-session=s2']);
});

test.each([401, 403])(
  'a session that the auth service refuses is a 401, and the cookies are left alone: %i',
  async (status) => {
    await using auth = await authService((response) =>
      response.writeHead(status, { 'set-cookie': ['__Host-token=; Max-Age=0', '__Host-session=; Max-Age=0'] }).end(),
    );
    const { app, expired, events } = await openShop({ authUrl: auth.url });
    const answer = await supertest(app).get('/orders').set('cookie', cookies(expired(), 's1'));
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'SESSION_REFUSED' });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(events).toContainEqual({ type: 'refresh', outcome: 'refused' });
  },
);

test.each<[string, (response: ServerResponse) => void, string]>([
  ['it has no database', (response) => response.writeHead(503, { 'retry-after': '7' }).end(), '7'],
  ['it asks for an hour', (response) => response.writeHead(503, { 'retry-after': '3600' }).end(), '60'],
  ['it fails', (response) => response.writeHead(500).end(), '2'],
  ['something else answers', (response) => response.writeHead(404).end(), '2'],
  ['it points elsewhere', (response) => response.writeHead(307, { location: 'https://evil.example' }).end(), '2'],
  ['it sets no cookie', (response) => response.writeHead(200).end('{}'), '2'],
  ['its token does not hold here', renewing('a.b.c'), '2'],
  ['it hangs up', (response) => response.destroy(), '2'],
])('while the auth service cannot renew, nobody is signed out: %s', async (_what, answerOf, retryAfter) => {
  await using auth = await authService(answerOf);
  const { app, expired } = await openShop({ authUrl: auth.url });
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
  await using auth = await authService(() => undefined);
  const { app, expired, clock } = await openShop({ authUrl: auth.url });
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

test('valid tokens are accepted while the auth service is away', async () => {
  const { app, token } = await openShop();
  const answer = await supertest(app).get('/orders').set('cookie', cookies(token(), 's1'));
  expect(answer.status).toBe(200);
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
  await using auth = await authService((response) => response.writeHead(500).end());
  const shop = await openShop({ authUrl: auth.url });
  const answer = await supertest(shop.app).get('/orders').set(headersOf(shop));
  expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code });
  expect(auth.asked).toEqual([]);
});

test('a token of one session is never renewed by another', async () => {
  const { token } = await openShop();
  await using auth = await authService(renewing(token({ sid: 'session-2', sub: 'user-2' })));
  const { app, expired } = await openShop({ authUrl: auth.url });
  const answer = await supertest(app).get('/orders').set('cookie', cookies(expired(), 's2'));
  expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code: 'SESSION_REFUSED' });
  expect(answer.headers['set-cookie']).toBeUndefined();
});

test('two guards in a row identify a request once', async () => {
  const { token } = await openShop();
  await using auth = await authService(renewing(token()));
  const { app, expired } = await openShop({ authUrl: auth.url });
  const answer = await supertest(app).get('/both').set('cookie', cookies(expired(), 's1'));
  expect(answer.status).toBe(200);
  expect(answer.headers['set-cookie']).toHaveLength(2);
  expect(auth.asked).toHaveLength(1);
});

test('before the keys are loaded users get a 503, and public pages are served', async () => {
  const { app, token } = await openShop({ isReady: false });
  const cookie = cookies(token(), 'SESSION-SECRET');
  const refused = await supertest(app).get('/orders').set('cookie', cookie);
  expect(refused.headers['retry-after']).toBe('2');
  expect(JSON.parse(refused.text)).toMatchObject({ status: 503, code: 'VERIFIER_NOT_READY' });
  const served = await supertest(app).get('/catalogue').set('cookie', cookie);
  expect(served.body).toMatchObject({ user: null });
  expect(served.text).not.toContain('SESSION-SECRET');
});

test('userOf throws behind no guard', async () => {
  const { app } = await openShop();
  const answer = await supertest(app).get('/unguarded');
  expect(answer).toMatchObject({ status: 500, text: expect.stringContaining('put requireUser() before this handler') });
});
