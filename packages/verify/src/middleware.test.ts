import { afterEach, expect, test } from '@jest/globals';
import express from 'express';
import type { Request } from 'express';
import supertest from 'supertest';
import { ISSUER, signingKey } from './testing/issuer.ts';
import { serviceListener } from './testing/service-listener.ts';
import { closeShops, cookies, openShop, renewing, seenBy } from './testing/shop.ts';

const stranger = signingKey('k1');
afterEach(closeShops);

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
  await using auth = await serviceListener({ answer: (response) => response.writeHead(200).end() });
  const { app, expired } = await openShop({ auth });
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

test('no handler sees the session token under the name that it had before inlineRefresh was changed', async () => {
  const { app, token } = await openShop();
  const headers = { cookie: `${cookies(token())}; __Secure-session=FORMER-SECRET; session=ours` };
  for (const path of ['/orders', '/catalogue', '/hidden']) {
    const { seen } = (await supertest(app).get(path).set(headers)).body as { seen: string };
    expect(seen).not.toContain('FORMER-SECRET');
    // Plain `session` is a name that services use themselves.
    expect(seen).toContain('session=ours');
  }
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

test('valid tokens are accepted while the auth service is away', async () => {
  const { app, token } = await openShop();
  const answer = await supertest(app).get('/orders').set('cookie', cookies(token(), 's1'));
  expect(answer.status).toBe(200);
});

test('two guards in a row identify a request once', async () => {
  const { token } = await openShop();
  await using auth = await serviceListener({ answer: renewing(token()) });
  const { app, expired } = await openShop({ auth });
  const answer = await supertest(app).get('/both').set('cookie', cookies(expired(), 's1'));
  expect(answer.status).toBe(200);
  expect(answer.headers['set-cookie']).toHaveLength(1);
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
