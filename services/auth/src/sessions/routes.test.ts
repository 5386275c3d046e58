import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { claimsOf, fromPage, headerOf, newcomer, send, Visitor } from '../testing/visitor.ts';
import { anEmail, ORIGIN, PASSWORD } from '../testing/world.ts';
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

describe('signing up and in', () => {
  test('who signs up is signed in', async () => {
    const visitor = new Visitor();
    const answer = await visitor.signUp(pod);
    expect(answer).toMatchObject({ status: 201, body: { email: visitor.email, roles: ['user'] } });
    const who = await visitor.on(pod, 'GET /api/users/currentuser');
    expect(who.body).toEqual({ currentUser: answer.body });
  });

  test('the user comes back with id, email, roles and createdAt and nothing more', async () => {
    const { body } = await new Visitor().signUp(pod);
    expect(Object.keys(body as object).sort()).toEqual(['createdAt', 'email', 'id', 'roles']);
  });

  test('an address is taken in every spelling of it', async () => {
    const visitor = await newcomer(pod);
    const body = { email: ` ${visitor.email.toUpperCase()} `, password: PASSWORD };
    const again = await send(pod, 'POST /api/users/signup', { headers: fromPage, body });
    expect(again).toMatchObject(problem(409, 'EMAIL_TAKEN'));
    expect(again.body).toMatchObject({ errors: [{ field: 'email' }] });
    expect(await new Visitor().on(pod, 'POST /api/users/signin', { body })).toMatchObject({ status: 200 });
  });

  test('of two sign-ups with one address at once exactly one succeeds', async () => {
    const body = { email: anEmail(), password: PASSWORD };
    const both = await Promise.all([1, 2].map(() => send(pod, 'POST /api/users/signup', { headers: fromPage, body })));
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
  });

  test('a wrong password and an unknown address read the same', async () => {
    const { email } = await newcomer(pod);
    const wrong = { email, password: 'not the password' };
    const unknown = { email: anEmail(), password: 'not the password' };
    const [one, other] = await Promise.all(
      [wrong, unknown].map((body) => send(pod, 'POST /api/users/signin', { headers: fromPage, body })),
    );
    expect(one).toMatchObject(problem(401, 'INVALID_CREDENTIALS'));
    const withoutId = (answer: typeof one) => ({ ...(answer?.body as object), instance: '' });
    expect(withoutId(one)).toEqual(withoutId(other));
    expect(Object.keys(one?.headers ?? {})).toEqual(Object.keys(other?.headers ?? {}));
  });

  test('the same password typed in another Unicode form signs in', async () => {
    const email = anEmail();
    const composed = { email, password: 'caf\u00e9 \ufb01ne words' };
    const decomposed = { email, password: 'cafe\u0301 fine words' };
    await send(pod, 'POST /api/users/signup', { headers: fromPage, body: composed });
    expect(await send(pod, 'POST /api/users/signin', { headers: fromPage, body: decomposed })).toMatchObject({
      status: 200,
    });
  });
});

describe('the access token', () => {
  test('is an RFC 9068 token of this stack', async () => {
    const visitor = await newcomer(pod);
    expect(headerOf(visitor.token)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' });
    const claims = claimsOf(visitor.token);
    expect(claims).toMatchObject({ iss: ORIGIN, aud: 'shop', client_id: 'authstack', roles: ['user'], ver: 1 });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(1800);
    expect(Object.keys(claims).sort()).toEqual(
      ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'sid', 'ver', 'roles', 'auth_time'].sort(),
    );
  });

  test('identifies its user as a bearer, and an invalid one never falls back to the cookie', async () => {
    const visitor = await newcomer(pod);
    const bearer = { authorization: `Bearer ${visitor.token}` };
    expect(await send(pod, 'GET /api/users/currentuser', { headers: bearer })).toMatchObject({
      body: { currentUser: { email: visitor.email } },
    });
    for (const authorization of ['Bearer nonsense', `Bearer ${visitor.token}x`, 'Basic YTpi', '']) {
      const answer = await visitor.on(pod, 'GET /api/users/currentuser', { headers: { authorization } });
      expect(answer).toMatchObject(problem(401, 'TOKEN_INVALID'));
      expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    }
  });

  test('that has expired does not sign the browser out', async () => {
    const visitor = await newcomer(pod);
    const token = visitor.token;
    pod.clock.advance(31 * 60_000);
    expect(await visitor.isSignedIn(pod)).toBe(true);
    const answer = await send(pod, 'GET /api/users/currentuser', { headers: { authorization: `Bearer ${token}` } });
    expect(answer).toMatchObject(problem(401, 'TOKEN_INVALID'));
  });
});

describe('delivery in a body', () => {
  const delivery = { 'authstack-delivery': 'body' };

  test('gives tokens and no cookie, and refreshes with the token of the body', async () => {
    const { email } = await newcomer(pod);
    const body = { email, password: PASSWORD };
    const signedIn = await send(pod, 'POST /api/users/signin', { headers: delivery, body });
    expect(signedIn).toMatchObject({
      status: 200,
      setCookie: [],
      body: { token_type: 'Bearer', expires_in: 1800, access_token: expect.stringContaining('.') as unknown },
    });
    expect(signedIn.headers['cache-control']).toBe('no-store');
    const { session_token } = signedIn.body as { session_token: string };
    const refreshed = await send(pod, 'POST /api/users/refresh', { headers: delivery, body: { session_token } });
    expect(refreshed).toMatchObject({ status: 200, setCookie: [] });
    expect(Object.keys(refreshed.body as object).sort()).toEqual(Object.keys(signedIn.body as object).sort());
  });

  test.each([{ origin: ORIGIN }, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-mode': 'cors' }])(
    'is refused to a browser, seen by %p',
    async (headers) => {
      const { email } = await newcomer(pod);
      const sent = { headers: { ...delivery, ...headers }, body: { email, password: PASSWORD } };
      expect(await send(pod, 'POST /api/users/signin', sent)).toMatchObject(problem(403, 'BODY_DELIVERY_REFUSED'));
    },
  );

  test("never refreshes a browser's session, nor a cookie the session of a body", async () => {
    const visitor = await newcomer(pod);
    const stolen = { headers: delivery, body: { session_token: visitor.session } };
    expect(await send(pod, 'POST /api/users/refresh', stolen)).toMatchObject(problem(401, 'SESSION_INVALID'));
    expect(await visitor.isSignedIn(pod)).toBe(true);
  });
});

describe('requests from foreign pages', () => {
  const changing = [
    'POST /api/users/signup',
    'POST /api/users/signin',
    'POST /api/users/refresh',
    'POST /api/users/signout',
    `DELETE /api/users/sessions/${'A'.repeat(22)}`,
  ];
  const foreign: readonly [string, Record<string, string>][] = [
    ['nothing', {}],
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin at all', { origin: 'null' }],
    ['another site', { 'sec-fetch-site': 'cross-site', origin: ORIGIN }],
    ['a sibling host', { 'sec-fetch-site': 'same-site', origin: ORIGIN }],
    ['typed by hand', { 'sec-fetch-site': 'none' }],
  ];

  test.each(changing.flatMap((route) => foreign.map(([what, headers]) => [route, what, headers] as const)))(
    '%s is refused when the browser says: %s',
    async (route, _what, headers) => {
      const visitor = await visitorOfAll();
      const cookie = `token=${visitor.token}; session=${visitor.session ?? ''}`;
      const answer = await send(pod, route, { headers: { ...headers, cookie }, ...bodyFor(route) });
      expect(answer).toMatchObject(problem(403, 'CSRF_REJECTED'));
      expect(answer.setCookie).toEqual([]);
    },
  );

  test('Origin counts where Sec-Fetch-Site is absent', async () => {
    const { email } = await newcomer(pod);
    const sent = { headers: { origin: ORIGIN }, body: { email, password: PASSWORD } };
    expect((await send(pod, 'POST /api/users/signin', sent)).status).toBe(200);
  });

  test('a bearer needs no origin', async () => {
    const visitor = await newcomer(pod);
    const headers = { authorization: `Bearer ${visitor.token}` };
    expect((await send(pod, 'POST /api/users/signout', { headers })).status).toBe(204);
    expect(await visitor.isSignedIn(pod)).toBe(false);
  });

  let shared: Promise<Visitor> | undefined;
  const visitorOfAll = () => (shared ??= newcomer(pod));
  const bodyFor = (route: string) =>
    /sign(up|in)/.test(route) ? { body: { email: anEmail(), password: PASSWORD } } : {};
});

describe('bad input', () => {
  const good = { email: 'someone@example.com', password: PASSWORD };
  const bodies: readonly [string, unknown, string, string][] = [
    ['an unknown field', { ...good, admin: true }, 'admin', 'UNKNOWN_FIELD'],
    [
      'a prototype',
      '{"email":"a@example.com","password":"long enough","__proto__":{"a":1}}',
      '__proto__',
      'UNKNOWN_FIELD',
    ],
    ['no e-mail', { password: PASSWORD }, 'email', 'REQUIRED'],
    ['no password', { email: good.email }, 'password', 'REQUIRED'],
    ['an object for an e-mail', { ...good, email: { $ne: '' } }, 'email', 'WRONG_TYPE'],
    ['a list for an e-mail', { ...good, email: ['a@example.com'] }, 'email', 'WRONG_TYPE'],
    ['null for a password', { ...good, password: null }, 'password', 'WRONG_TYPE'],
    ['a number for a password', { ...good, password: 12345678 }, 'password', 'WRONG_TYPE'],
    ['an over-long e-mail', { ...good, email: `${'a'.repeat(600)}@example.com` }, 'email', 'TOO_LONG'],
    ['an over-long password', { ...good, password: 'a'.repeat(129) }, 'password', 'TOO_LONG'],
    ['half a character', '{"email":"a@example.com","password":"\\ud800 long enough"}', 'password', 'NOT_ACCEPTABLE'],
    ['no address', { ...good, email: 'someone' }, 'email', 'NOT_ACCEPTABLE'],
    ['a list', '[]', 'body', 'WRONG_TYPE'],
    ['nothing', undefined, 'body', 'REQUIRED'],
  ];
  const routes = ['POST /api/users/signup', 'POST /api/users/signin'];

  test.each(routes.flatMap((route) => bodies.map((row) => [route, ...row] as const)))(
    '%s with %s gets an error that names the field',
    async (...[route, , body, field, code]) => {
      const headers = { ...fromPage, ...(typeof body === 'string' && { 'content-type': 'application/json' }) };
      const answer = await send(pod, route, { headers, ...(body !== undefined && { body }) });
      expect(answer).toMatchObject(problem(400, 'VALIDATION_FAILED'));
      expect((answer.body as { errors: unknown }).errors).toContainEqual(expect.objectContaining({ field, code }));
      expect(answer.headers['content-type']).toBe('application/problem+json');
    },
  );

  test('a short password is refused at sign-up and merely wrong at sign-in', async () => {
    const body = { email: anEmail(), password: 'short' };
    expect(await send(pod, 'POST /api/users/signup', { headers: fromPage, body })).toMatchObject({
      body: { code: 'VALIDATION_FAILED', errors: [{ field: 'password', code: 'TOO_SHORT' }] },
    });
    expect(await send(pod, 'POST /api/users/signin', { headers: fromPage, body })).toMatchObject(
      problem(401, 'INVALID_CREDENTIALS'),
    );
  });

  const posts = ['signup', 'signin', 'refresh', 'signout'].map((name) => `POST /api/users/${name}`);
  const json = { 'content-type': 'application/json' };

  test.each(posts)('%s refuses a body that is not JSON', async (route) => {
    const malformed = await send(pod, route, { headers: { ...fromPage, ...json }, body: '{"email":' });
    expect(malformed).toMatchObject(problem(400, 'MALFORMED_JSON'));
    expect(JSON.stringify(malformed.body)).not.toContain('email');
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/json; charset=latin1',
    ]) {
      const answer = await send(pod, route, { headers: { ...fromPage, 'content-type': type }, body: '{"a":1}' });
      expect(answer).toMatchObject(problem(415, 'UNSUPPORTED_MEDIA_TYPE'));
    }
    const packed = { ...fromPage, ...json, 'content-encoding': 'gzip' };
    expect(await send(pod, route, { headers: packed, body: '{}' })).toMatchObject(
      problem(415, 'UNSUPPORTED_MEDIA_TYPE'),
    );
  });

  test.each(posts)('%s refuses a body that is too large', async (route) => {
    const body = JSON.stringify({ email: 'a'.repeat(20_000) });
    const answer = await send(pod, route, { headers: { ...fromPage, ...json }, body });
    expect(answer).toMatchObject(problem(413, 'BODY_TOO_LARGE'));
  });

  test.each([
    ['POST /api/users/signout?everywhere=perhaps', 'everywhere'],
    ['POST /api/users/signout?everywhere=true&everywhere=true', 'everywhere'],
    ['POST /api/users/signout?all=true', 'all'],
    ['DELETE /api/users/sessions/short', 'id'],
    [`DELETE /api/users/sessions/${'x'.repeat(500)}`, 'id'],
  ])('%s gets an error that names the parameter', async (route, field) => {
    const visitor = await newcomer(pod);
    const answer = await visitor.on(pod, route);
    expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED', errors: [{ field }] } });
    expect(await visitor.isSignedIn(pod)).toBe(true);
  });

  test.each([
    ['POST /api/users/refresh', { session_token: 'x' }, {}, 'session_token'],
    ['POST /api/users/signout', { everywhere: true }, {}, 'everywhere'],
    ['POST /api/users/refresh', { session_token: 1 }, { 'authstack-delivery': 'body' }, 'session_token'],
    ['POST /api/users/refresh', { session_token: 'x'.repeat(300) }, { 'authstack-delivery': 'body' }, 'session_token'],
    ['POST /api/users/signin', good, { 'authstack-delivery': 'cookies' }, 'Authstack-Delivery'],
  ])('%s with %p gets an error that names the header', async (...[route, body, headers, field]) => {
    const page = 'authstack-delivery' in headers && route.endsWith('refresh') ? {} : fromPage;
    const answer = await send(pod, route, { headers: { ...page, ...headers }, body });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });

  test.each(['GET /nowhere', 'GET /api/users/nowhere', 'GET /.well-known/nothing'])(
    '%s is a 404 problem',
    async (route) => {
      expect(await send(pod, route)).toMatchObject(problem(404, 'NOT_FOUND'));
    },
  );

  test.each([
    ['PUT /api/users/signin', 'POST, OPTIONS'],
    ['GET /api/users/signin', 'POST, OPTIONS'],
    ['POST /.well-known/jwks.json', 'GET, HEAD, OPTIONS'],
  ])('%s is a 405 problem that allows %s', async (route, allow) => {
    expect(await send(pod, route)).toMatchObject({ ...problem(405, 'METHOD_NOT_ALLOWED'), headers: { allow } });
  });

  test.each(['GET /api/users/%ff', 'GET /%', 'DELETE /api/users/sessions/%E0%A4%A'])(
    '%s is a 400 or 404, never a 500',
    async (route) => {
      expect([400, 404]).toContain((await send(pod, route)).status);
    },
  );

  test.each(['session=;', 'session=%%%', '=', `session=${'x'.repeat(5000)}`, 'session=a; session=b'])(
    'cookies like %p identify nobody',
    async (cookie) => {
      const answer = await send(pod, 'GET /api/users/currentuser', { headers: { cookie } });
      expect(answer).toMatchObject({ status: 200, body: { currentUser: null } });
    },
  );
});

test('no log line holds a password, a token or an address', async () => {
  const visitor = await newcomer(pod);
  await visitor.refresh(pod);
  await visitor.on(pod, 'POST /api/users/signin', { body: { email: visitor.email, password: 'a wrong password' } });
  const lines = pod.log.join('');
  expect(lines.length).toBeGreaterThan(0);
  for (const secret of [PASSWORD, 'a wrong password', visitor.session, visitor.token, 'BEGIN PRIVATE', visitor.email]) {
    expect(lines).not.toContain(secret);
  }
});
