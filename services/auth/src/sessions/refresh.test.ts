import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { claimsOf, newcomer, send } from '../testing/visitor.ts';
import type { Answer, Visitor } from '../testing/visitor.ts';
import { storedSessions } from '../testing/stored.mongo.ts';
import { anEmail, mountSecret, PASSWORD, startReadyPod, until } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';
import { GRACE, MOST_REPLACED } from './chain.ts';

let stack: TestStack;
let here: Pod;
let there: Pod;

beforeAll(async () => {
  stack = await startStack({ pods: 2 });
  [here, there = here] = stack.pods;
}, 60_000);

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
});

const refused = (code: string) => ({ status: 401, body: { code } });

function sessionIn({ setCookie }: Answer): string | undefined {
  return setCookie.map((line) => /^session=([^;]+)/.exec(line)?.[1]).find((value) => value !== undefined);
}

async function replacedTokensOf({ token }: Visitor): Promise<number | undefined> {
  const [stored] = await storedSessions(stack.database.uri, { _id: claimsOf(token)['sid'] });
  return stored?.replaced.length;
}

/** The stack's secrets with one refresh key more, the current one from then on. */
async function withAnotherRefreshKey(id: string): Promise<Record<'secrets.json', string>> {
  const text = await readFile(`${stack.mounts.secrets.directory}/secrets.json`, 'utf8');
  const secrets = JSON.parse(text) as { refresh: { current: string; keys: Record<string, string> } };
  secrets.refresh.keys[id] = randomBytes(32).toString('base64');
  secrets.refresh.current = id;
  return { 'secrets.json': JSON.stringify(secrets) };
}

test('a refresh gives a fresh access token of the same session and the next session token', async () => {
  const visitor = await newcomer(here);
  const [token, session] = [visitor.token, visitor.session];
  const answer = await visitor.refresh(there);
  expect(answer).toMatchObject({ status: 200, body: { currentUser: { email: visitor.email }, expiresIn: 1800 } });
  expect(visitor.session).not.toBe(session);
  expect(claimsOf(visitor.token)).toMatchObject({ sid: claimsOf(token)['sid'], sub: claimsOf(token)['sub'] });
  expect(claimsOf(visitor.token)['jti']).not.toBe(claimsOf(token)['jti']);
});

test('at once from two replicas, the child is the identical one', async () => {
  const visitor = await newcomer(here);
  const tabs = Array.from({ length: 12 }, () => visitor.copy());
  const answers = await Promise.all(tabs.map((tab, index) => tab.refresh(index % 2 ? here : there)));
  expect(answers.map(({ status }) => status)).toEqual(tabs.map(() => 200));
  expect(new Set(answers.map(sessionIn)).size).toBe(1);
});

test('a lost answer loses nothing: the parent yields the same child however late', async () => {
  const visitor = await newcomer(here);
  const lost = sessionIn(await visitor.copy().refresh(here));
  await stack.timePasses(3 * 24 * 3_600_000);
  const answer = await visitor.refresh(there);
  expect(answer.status).toBe(200);
  expect(sessionIn(answer)).toBe(lost);
});

test('within the grace after its child was shown, the parent still yields that child', async () => {
  const visitor = await newcomer(here);
  const slowTab = visitor.copy();
  await visitor.refresh(here);
  const child = visitor.session;
  await visitor.refresh(there);
  await stack.timePasses(GRACE - 5_000);
  const answer = await slowTab.refresh(here);
  expect(answer.status).toBe(200);
  expect(sessionIn(answer)).toBe(child);
  expect(await visitor.isSignedIn(here)).toBe(true);
});

test('after the grace a replaced token is reuse: the session ends, for cookies and bearers alike', async () => {
  const visitor = await newcomer(here);
  const thief = visitor.copy();
  await visitor.refresh(here);
  expect(await visitor.isSignedIn(there)).toBe(true);
  await stack.timePasses(GRACE + 1_000);

  const answer = await thief.refresh(there);
  expect(answer).toMatchObject(refused('SESSION_REUSED'));
  expect(thief.session).toBeUndefined();
  expect(await visitor.isSignedIn(here)).toBe(false);
  expect(await visitor.copy().refresh(here)).toMatchObject(refused('SESSION_INVALID'));
  const headers = { authorization: `Bearer ${visitor.token}` };
  expect((await send(here, 'GET /api/users/sessions', { headers })).status).toBe(401);
  expect(there.log.join('')).toContain('session-reused');
});

test('showing the child anywhere replaces the parent, and showing the parent anywhere is noticed', async () => {
  const visitor = await newcomer(here);
  const thief = visitor.copy();
  await visitor.refresh(here);
  await visitor.on(there, 'GET /api/users/currentuser');
  await stack.timePasses(GRACE + 1_000);
  expect(await thief.isSignedIn(here)).toBe(false);
  expect(await visitor.isSignedIn(there)).toBe(false);
});

test('a token of the distant past is still recognised as reuse', async () => {
  const visitor = await newcomer(here);
  const thief = visitor.copy();
  for (let turn = 0; turn < 5; turn += 1) {
    await visitor.refresh(here);
    await stack.timePasses(GRACE + 1_000);
  }
  expect(await thief.refresh(here)).toMatchObject(refused('SESSION_REUSED'));
  expect((await visitor.refresh(here)).status).toBe(401);
});

test('a child outlives a change of the refresh key: every replica derives with the key that was settled', async () => {
  const visitor = await newcomer(here);
  const before = sessionIn(await visitor.copy().refresh(here));
  const secrets = await withAnotherRefreshKey('r2');
  const loaded = there.log.filter((line) => line.includes('"secrets"')).length;
  await stack.mounts.secrets.swap(secrets);
  await until(
    () => there.log.filter((line) => line.includes('"secrets"')).length > loaded,
    'the secrets are read again',
  );
  expect(sessionIn(await visitor.refresh(there))).toBe(before);
  expect((await visitor.refresh(there)).status).toBe(200);
});

test('a session ends when it idles, and use keeps it alive until its absolute end', async () => {
  const day = 24 * 3_600_000;
  const [idle, busy] = [await newcomer(here), await newcomer(here)];
  for (let days = 0; days < 28; days += 4) {
    await stack.timePasses(4 * day);
    expect((await busy.refresh(here)).status).toBe(200);
  }
  expect(await idle.refresh(here)).toMatchObject(refused('SESSION_INVALID'));
  await stack.timePasses(3 * day);
  expect(await busy.refresh(here)).toMatchObject(refused('SESSION_INVALID'));
});

test('a refresh at the moment of a sign-out gives nobody a session that outlives it', async () => {
  const visitor = await newcomer(here);
  const racing = visitor.copy();
  await Promise.all([visitor.on(here, 'POST /api/users/signout'), racing.refresh(there)]);
  expect(await racing.isSignedIn(here)).toBe(false);
});

test('nobody refreshes without a session', async () => {
  const headers = { origin: 'http://localhost:8081' };
  expect(await send(here, 'POST /api/users/refresh', { headers })).toMatchObject(refused('SESSION_INVALID'));
  const made_up = { headers: { ...headers, cookie: `session=${'A'.repeat(64)}` } };
  expect(await send(here, 'POST /api/users/refresh', made_up)).toMatchObject(refused('SESSION_INVALID'));
});

test('a replica that lacks the refresh key of a settled child asks for patience and signs nobody out', async () => {
  const visitor = await newcomer(here);
  await using secrets = await mountSecret(await withAnotherRefreshKey('far'));
  await using ahead = await startReadyPod({ ...stack.mounts, secrets });
  const child = sessionIn(await visitor.copy().refresh(ahead));

  const answer = await visitor.refresh(here);
  expect(answer).toMatchObject({ status: 503, body: { code: 'NOT_READY' }, setCookie: [] });
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(sessionIn(await visitor.refresh(ahead))).toBe(child);
});

test('however quickly a session is refreshed, its document stays small and its oldest tab stays signed in', async () => {
  const visitor = await newcomer(here);
  const slowTab = visitor.copy();
  for (let turn = 0; turn < MOST_REPLACED + 5; turn += 1) expect((await visitor.refresh(here)).status).toBe(200);
  expect((await slowTab.refresh(there)).status).toBe(200);
  expect(await visitor.isSignedIn(there)).toBe(true);
  expect(await replacedTokensOf(visitor)).toBe(MOST_REPLACED);

  await stack.timePasses(GRACE + 1_000);
  const held = visitor.session;
  await visitor.refresh(here);
  expect(visitor.session).not.toBe(held);
  expect((await visitor.refresh(there)).status).toBe(200);
  expect(await replacedTokensOf(visitor)).toBe(1);
});

test('what only a service would send is refused here: it renews as itself, on the listener for services', async () => {
  const origin = 'https://shop.example.com';
  await using secure = await startReadyPod(stack.mounts, { AUTHSTACK_ISSUER: origin });
  const body = { email: anEmail(), password: PASSWORD };
  const opened = await send(secure, 'POST /api/users/signup', { headers: { origin }, body });
  const [, session = ''] = /__Host-session=([^;]+)/.exec(opened.setCookie.join('\n')) ?? [];
  const cookie = `__Host-session=${session}`;

  const asked = await send(secure, 'POST /api/users/refresh', { headers: { cookie, origin } });

  expect(asked).toMatchObject({ status: 403, body: { code: 'CSRF_REJECTED' }, setCookie: [] });
  expect(JSON.stringify(asked.body)).toContain('listener for services');
  const page = { cookie, 'sec-fetch-site': 'same-origin' };
  expect((await send(secure, 'POST /api/users/refresh', { headers: page })).status).toBe(200);
});
