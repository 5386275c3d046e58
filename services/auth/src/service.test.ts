import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { expect, test } from '@jest/globals';
import { startMongod } from '../../../test/support/mongod.ts';
import { authContract, podStatus } from './api.ts';
import type { PodStatus } from './api.ts';
import { startStack } from './testing/stack.ts';
import { headerOf, newcomer, send, Visitor } from './testing/visitor.ts';
import { mountSecret, mountStack, ORIGIN, PASSWORD, ringKey, startPod, startReadyPod, until } from './testing/world.ts';
import type { Pod } from './testing/world.ts';

async function readiness(pod: Pod): Promise<string> {
  return (await pod.probe('/readyz')).text;
}

async function keySetOf(pod: Pod): Promise<JSONWebKeySet> {
  return (await send(pod, 'GET /.well-known/jwks.json')).body as JSONWebKeySet;
}

test('a pod is alive before its keys, its secrets and its database, and ready once it has them', async () => {
  await using keys = await mountSecret({});
  await using secrets = await mountSecret({});
  await using mongodb = await mountSecret({});
  await using pod = await startPod({ keys, secrets, mongodb });
  expect(await pod.probe('/healthz')).toMatchObject({ status: 200 });
  expect((await pod.probe('/readyz')).status).toBe(503);
  expect(
    (await readiness(pod))
      .trim()
      .split('\n')
      .map((line) => line.split(':')[0]),
  ).toEqual(['signing-keys', 'secrets', 'mongodb-uri', 'mongodb']);
  expect(await send(pod, 'GET /.well-known/jwks.json')).toMatchObject({ status: 503, body: { code: 'NOT_READY' } });
  const tooEarly = await new Visitor().signIn(pod);
  // Without its secrets it cannot tell who asks.
  expect(tooEarly).toMatchObject({ status: 503, body: { code: 'NOT_READY' } });
  expect(Number(tooEarly.headers['retry-after'])).toBeGreaterThan(0);

  await using mongod = await startMongod({ replicaSet: 'rs0', initiate: true });
  await using filled = await mountStack(mongod.uri, [ringKey('k1', 'active')]);
  const { copyFile } = await import('node:fs/promises');
  for (const [mount, file] of [
    ['keys', 'ring.json'],
    ['secrets', 'secrets.json'],
    ['mongodb', 'uri'],
  ] as const) {
    await copyFile(join(filled[mount].directory, file), join({ keys, secrets, mongodb }[mount].directory, file));
  }
  await until(async () => (await pod.probe('/readyz')).status === 200, 'the pod is ready');
  expect(await (await newcomer(pod)).isSignedIn(pod)).toBe(true);
}, 60_000);

/** Of this process, by their names; Linux tells. */
async function hashingThreads(): Promise<number> {
  const names = (await readdir('/proc/self/task')).map((id) => readFile(`/proc/self/task/${id}/comm`, 'utf8'));
  const settled = await Promise.allSettled(names);
  return settled.filter((name) => name.status === 'fulfilled' && name.value.trim() === 'password-hash').length;
}

(platform() === 'linux' ? test : test.skip)(
  'each hashing thread runs once a pod has started, before anybody signs in',
  async () => {
    await using mounts = await mountStack('mongodb://127.0.0.1:1/', [ringKey('k1', 'active')]);
    const before = await hashingThreads();
    await using _pod = await startPod(mounts);
    // MACHINE has one core. A thread begins with its first hash, and start() waits for that.
    expect(await hashingThreads()).toBe(before + 1);
  },
);

async function databaseOf(pod: Pod): Promise<PodStatus['database']> {
  const { status, text } = await pod.probe(authContract.statusPath);
  expect(status).toBe(200);
  return podStatus.parse(JSON.parse(text)).database;
}

test.each([
  ['the password is wrong', 'mongodb://someone:top-secret@127.0.0.1:PORT/', /Authentication failed/],
  ['nobody listens', 'mongodb://someone:top-secret@127.0.0.1:1/', /ECONNREFUSED/],
  ['the host does not exist', 'mongodb://someone:top-secret@nowhere.invalid/', /nowhere\.invalid/],
  ['the string cannot be read', 'mongodb://someone:top-secret%zz@127.0.0.1/', /malformed/],
  ['it is of another kind', 'postgres://someone:top-secret@127.0.0.1/', /scheme/],
])(
  'a pod reports why the database cannot be used when %s, and never its password',
  async (_when, uri, why) => {
    await using mongod = await startMongod({ args: ['--auth'] });
    await using mounts = await mountStack(uri.replace('PORT', String(mongod.port)), [ringKey('k1', 'active')]);
    await using pod = await startPod(mounts);
    await until(async () => (await databaseOf(pod)).problem !== undefined, 'the problem is known');
    expect(await databaseOf(pod)).toMatchObject({ up: false, problem: expect.stringMatching(why) });
    expect(await readiness(pod)).toMatch(why);
    expect(pod.log.join('')).toMatch(why);
    expect(pod.log.join('')).not.toContain('top-secret');
    expect(await readiness(pod)).not.toContain('top-secret');
  },
  60_000,
);

test('a pod that was ready stays ready while the database is down, and reports the loss and the recovery', async () => {
  await using stack = await startStack({ pace: 10 });
  const [pod] = stack.pods;
  const [mongod] = stack.database.members;
  expect(await databaseOf(pod)).toEqual({ up: true });

  await mongod?.kill('SIGKILL');
  await until(async () => (await databaseOf(pod)).problem !== undefined, 'the loss is reported');
  expect((await databaseOf(pod)).up).toBe(false);
  expect((await pod.probe('/readyz')).status).toBe(200);

  await mongod?.restart();
  await until(async () => (await databaseOf(pod)).up, 'the recovery is reported');
  expect(await databaseOf(pod)).toEqual({ up: true });
}, 60_000);

test('keys rotate by the mounted Secret, without a restart and without a refused token', async () => {
  await using stack = await startStack({ pace: 10 });
  const [pod] = stack.pods;
  const [k1, k2, k3] = [ringKey('k1', 'active'), ringKey('k2', 'next'), ringKey('k3', 'next')];
  const install = (keys: readonly object[]) => stack.mounts.keys.swap({ 'ring.json': JSON.stringify({ keys }) });
  const published = async () => (await keySetOf(pod)).keys.map(({ kid }) => kid);
  await install([k1, k2]);
  await until(async () => (await keySetOf(pod)).keys[0]?.x === (k1['publicJwk'] as { x: string }).x, 'k1 is read');

  const visitor = await newcomer(pod);
  const old = visitor.token;
  expect(headerOf(old)['kid']).toBe('k1');
  const etag = (await send(pod, 'GET /.well-known/jwks.json')).headers['etag'];

  const { privateJwk: _, ...retired } = k1;
  await install([{ ...retired, phase: 'retiring', retiredAt: Date.now() }, { ...k2, phase: 'active' }, k3]);
  await until(async () => (await published()).includes('k3'), 'the new ring is read');
  expect(await published()).toEqual(['k1', 'k2', 'k3']);
  await visitor.refresh(pod);
  expect(headerOf(visitor.token)['kid']).toBe('k2');

  const keySet = createLocalJWKSet(await keySetOf(pod));
  for (const token of [old, visitor.token]) {
    const { payload } = await jwtVerify(token, keySet, { issuer: ORIGIN, audience: 'shop', typ: 'at+jwt' });
    expect(payload.sub).toBeDefined();
    const headers = { authorization: `Bearer ${token}` };
    expect((await send(pod, 'GET /api/users/sessions', { headers })).status).toBe(200);
  }
  const changed = await send(pod, 'GET /.well-known/jwks.json', { headers: { 'if-none-match': String(etag) } });
  expect(changed.status).toBe(200);

  const bad: readonly [string, string][] = [
    ['not JSON', '{"keys": [{"privateJwk": {"d": "top-secret"'],
    ['no active key', JSON.stringify({ keys: [k3] })],
    [
      'two active keys',
      JSON.stringify({
        keys: [
          { ...k2, phase: 'active' },
          { ...k3, phase: 'active' },
        ],
      }),
    ],
    ['halves of two keys', JSON.stringify({ keys: [{ ...k2, phase: 'active', privateJwk: k3['privateJwk'] }] })],
    ['an active key without its private half', JSON.stringify({ keys: [{ ...retired, phase: 'active' }] })],
  ];
  for (const [what, text] of bad) {
    const reports = () => pod.log.filter((line) => line.includes('file invalid')).length;
    const before = reports();
    await stack.mounts.keys.swap({ 'ring.json': text });
    await until(() => reports() > before, `a ring with ${what} is refused`);
    expect(await published()).toEqual(['k1', 'k2', 'k3']);
  }
  expect((await visitor.refresh(pod)).status).toBe(200);
  expect(headerOf(visitor.token)['kid']).toBe('k2');
  expect((await pod.probe('/metrics')).text).toContain(
    'authstack_file_reloads_total{file="signing-keys",outcome="refused"} 5',
  );
  expect(pod.log.join('')).not.toContain('top-secret');
}, 60_000);

test('the key set is public, cacheable for jwksMaxAge, and holds nothing private', async () => {
  await using stack = await startStack();
  const [pod] = stack.pods;
  const answer = await send(pod, 'GET /.well-known/jwks.json');
  expect(answer.headers['cache-control']).toBe('public, max-age=300');
  const { keys } = answer.body as JSONWebKeySet;
  for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  const again = await send(pod, 'GET /.well-known/jwks.json', {
    headers: { 'if-none-match': String(answer.headers['etag']) },
  });
  expect(again.status).toBe(304);
  expect(await send(pod, 'GET /.well-known/openid-configuration')).toMatchObject({
    status: 200,
    body: { issuer: ORIGIN, jwks_uri: `${ORIGIN}/.well-known/jwks.json` },
  });
  const openApi = await send(pod, 'GET /openapi.json');
  expect(openApi).toMatchObject({ status: 200, body: { openapi: '3.1.0' } });
  expect(Object.keys((openApi.body as { paths: object }).paths)).toContain('/api/users/signup');
}, 60_000);

test('a killed primary costs waiting, never a 500 and never a restart, and no acknowledged write', async () => {
  await using stack = await startStack({ members: 3, pods: 2 });
  const [pod, other = pod] = stack.pods;
  const before = await newcomer(pod);
  const primary = await stack.database.primary();

  const during = Promise.all(
    Array.from({ length: 6 }, async (_, index) => {
      const visitor = new Visitor();
      const signedUp = await visitor.signUp(index % 2 ? pod : other);
      return { visitor, status: signedUp.status };
    }),
  );
  await primary.kill();
  const answers = await during;
  expect(pod.log.concat(other.log).filter((line) => line.includes('INTERNAL'))).toEqual([]);
  for (const { status } of answers) expect([201, 503]).toContain(status);

  const after = new Visitor();
  await until(async () => (await after.signUp(pod)).status === 201, 'somebody can sign up again');
  expect(await before.isSignedIn(other)).toBe(true);
  expect((await before.refresh(pod)).status).toBe(200);
  for (const { visitor, status } of answers) {
    if (status === 201) expect(await visitor.isSignedIn(pod)).toBe(true);
  }
  expect((await pod.probe('/readyz')).status).toBe(200);
}, 90_000);

test('while the database is down, requests get a 503 in time, nobody is signed out, and keys are still served', async () => {
  await using stack = await startStack();
  const [pod] = stack.pods;
  const visitor = await newcomer(pod);
  const [member] = stack.database.members;
  await member?.kill();
  const answers = await Promise.all([
    visitor.refresh(pod),
    visitor.on(pod, 'GET /api/users/currentuser'),
    visitor.signIn(pod),
  ]);
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'DATABASE_UNAVAILABLE' }, setCookie: [] });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  expect((await send(pod, 'GET /.well-known/jwks.json')).status).toBe(200);
  expect((await pod.probe('/readyz')).status).toBe(200);
  await member?.restart();
  await until(async () => (await visitor.refresh(pod)).status === 200, 'the session is refreshed');
}, 60_000);

test('a key is revoked while the database is down: its tokens are refused, and who has a session gets a new one later', async () => {
  await using stack = await startStack();
  const [pod] = stack.pods;
  const visitor = await newcomer(pod);
  const stolen = { headers: { authorization: `Bearer ${visitor.token}` } };
  const whoIs = async () =>
    ((await send(pod, 'GET /api/users/currentuser', stolen)).body as Record<string, unknown>)['currentUser'];
  expect(await whoIs()).toMatchObject({ email: visitor.email });
  const [member] = stack.database.members;
  await member?.kill();
  const ring = { version: 2, keys: [ringKey('k3', 'active')], revoked: [{ kid: 'k1' }] };
  await stack.mounts.keys.swap({ 'ring.json': JSON.stringify(ring) });
  await until(() => pod.log.some((line) => line.includes('"audit":"key-revoked"')), 'the key is revoked');
  expect((await send(pod, 'GET /api/users/currentuser', stolen)).status).toBe(401);
  expect(await visitor.refresh(pod)).toMatchObject({ status: 503, setCookie: [] });

  await member?.restart();
  await until(async () => (await visitor.refresh(pod)).status === 200, 'the session is refreshed');
  expect(headerOf(visitor.token)).toMatchObject({ kid: 'k3' });
  expect(await visitor.isSignedIn(pod)).toBe(true);
}, 60_000);

test('changed database credentials are followed without a restart', async () => {
  await using stack = await startStack();
  const [pod] = stack.pods;
  const visitor = await newcomer(pod);
  await stack.mounts.mongodb.swap({ uri: `${stack.database.uri}&appName=again` });
  const connections = () => pod.log.filter((line) => line.includes('database connected')).length;
  await until(() => connections() === 2, 'the service connects again');
  expect(await visitor.isSignedIn(pod)).toBe(true);
}, 60_000);

test('the initial admin is created from the files, once, and after they were corrected', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'admin-'));
  await writeFile(join(directory, 'email'), 'Admin@Example.com\n');
  await writeFile(join(directory, 'password'), 'short\n');
  await using stack = await startStack();
  const [first] = stack.pods;
  const squatter = new Visitor();
  const squatted = { email: 'admin@example.com', password: PASSWORD };
  expect((await squatter.on(first, 'POST /api/users/signup', { body: squatted })).status).toBe(201);

  await using pod = await startReadyPod(stack.mounts, { AUTHSTACK_INITIAL_ADMIN_DIR: directory }, { pace: 20 });
  await until(() => pod.log.some((line) => line.includes('file password: must have at least 8')), 'the file is named');
  await writeFile(join(directory, 'password'), 'a much longer one\n');
  await until(() => pod.log.some((line) => line.includes('initial admin created')), 'the admin is created');

  const admin = new Visitor();
  const credentials = { email: 'admin@example.com', password: 'a much longer one' };
  expect(await admin.on(pod, 'POST /api/users/signin', { body: credentials })).toMatchObject({
    status: 200,
    body: { roles: ['user', 'admin'] },
  });
  expect(await squatter.isSignedIn(pod)).toBe(false);
  expect((await squatter.on(pod, 'POST /api/users/signin', { body: squatted })).status).toBe(401);
  await rm(directory, { recursive: true });
}, 60_000);

test('on an empty database the initial admin is created, and a second pod changes nothing', async () => {
  await using files = await mountSecret({ email: 'root@example.com', password: 'a long password\n' });
  await using stack = await startStack({ environment: { AUTHSTACK_INITIAL_ADMIN_DIR: files.directory }, pace: 20 });
  const [pod] = stack.pods;
  await until(() => pod.log.some((line) => line.includes('initial admin created')), 'the admin is created');
  const admin = new Visitor();
  const body = { email: 'root@example.com', password: 'a long password' };
  expect(await admin.on(pod, 'POST /api/users/signin', { body })).toMatchObject({
    status: 200,
    body: { roles: ['user', 'admin'], createdAt: expect.stringMatching(/^20/) as unknown },
  });
  await files.swap({ email: 'root@example.com', password: 'another password\n' });
  await using second = await startReadyPod(stack.mounts, { AUTHSTACK_INITIAL_ADMIN_DIR: files.directory });
  expect((await admin.on(second, 'POST /api/users/signin', { body })).status).toBe(200);
  expect(second.log.join('')).not.toContain('initial admin created');
}, 60_000);

test('the sign-in page has a strict policy; its index is revalidated each time, its assets never', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'page-'));
  await mkdir(join(directory, 'assets'));
  await writeFile(join(directory, 'index.html'), '<!doctype html><head><title>Sign in</title></head>');
  await writeFile(join(directory, 'assets', 'index-abc123.js'), 'export {};');
  await using keys = await mountSecret({ 'ring.json': JSON.stringify({ keys: [ringKey('k1', 'active')] }) });
  await using nothing = await mountSecret({});
  const page = { AUTHSTACK_SIGN_IN_DIR: directory, AUTHSTACK_PAGE_TITLE: '"><script>$&' };
  await using pod = await startPod({ keys, secrets: nothing, mongodb: nothing }, page);
  const index = await send(pod, 'GET /');
  expect(index).toMatchObject({
    status: 200,
    headers: { 'cache-control': 'no-cache', 'content-type': 'text/html; charset=utf-8' },
  });
  expect(index.headers['content-security-policy']).toBe(
    "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;font-src 'self';connect-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
  );
  expect(index.headers['strict-transport-security']).toBeUndefined();
  // The title of the stack and the length of passwords are told to the page as text, whatever they hold.
  expect(index.body).toContain(
    '<meta name="authstack-page" content="{&quot;title&quot;:&quot;\\&quot;&gt;&lt;script&gt;$&amp;&quot;,&quot;passwordMinLength&quot;:8}"></head>',
  );
  expect(await send(pod, 'GET /', { headers: { 'if-none-match': index.headers['etag'] ?? '' } })).toMatchObject({
    status: 304,
  });
  expect(await send(pod, 'GET /assets/index-abc123.js')).toMatchObject({
    status: 200,
    headers: { 'cache-control': 'public, max-age=31536000, immutable', 'x-content-type-options': 'nosniff' },
  });
  for (const path of ['/assets/gone.js', '/../package.json', '/assets/..%2f..%2fetc%2fpasswd', '/.env']) {
    expect([400, 403, 404]).toContain((await send(pod, `GET ${path}`)).status);
  }
  await rm(directory, { recursive: true });
}, 60_000);

test('on https the cookies carry their prefixes, and without inline refresh the session stays with the auth service', async () => {
  await using stack = await startStack({
    environment: { AUTHSTACK_ISSUER: 'https://shop.example.com', AUTHSTACK_AUDIENCES: 'shop, admin' },
  });
  const [pod] = stack.pods;
  const headers = { origin: 'https://shop.example.com' };
  const sent = { headers, body: { email: 'someone@example.com', password: PASSWORD } };
  const shared = await send(pod, 'POST /api/users/signup', sent);
  expect(shared.setCookie).toEqual([
    expect.stringMatching(/^__Host-token=.*; Max-Age=2592000; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/),
    expect.stringMatching(/^__Host-session=.*; Max-Age=2592000; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/),
    expect.stringMatching(
      /^__Secure-device=.*; Max-Age=34560000; Path=\/api\/users; .*HttpOnly; Secure; SameSite=Lax$/,
    ),
  ]);
  expect(shared.headers['strict-transport-security']).toBe('max-age=31536000');

  await using narrow = await startReadyPod(stack.mounts, {
    AUTHSTACK_ISSUER: 'https://shop.example.com',
    AUTHSTACK_INLINE_REFRESH: 'false',
  });
  const kept = await send(narrow, 'POST /api/users/signin', sent);
  expect(kept.setCookie[1]).toMatch(/^__Secure-session=.*; Path=\/api\/users; .*HttpOnly; Secure; SameSite=Lax$/);
}, 60_000);

test('a pod that gets SIGTERM turns unready first, finishes the requests that have begun, and exits', async () => {
  await using stack = await startStack();
  const pod = await startReadyPod(stack.mounts, { AUTHSTACK_DRAIN_SECONDS: '1' });
  const stopped = pod.service.stop();
  expect(await pod.probe('/readyz')).toMatchObject({ status: 503, text: 'draining\n' });
  const visitor = new Visitor();
  expect((await visitor.signUp(pod)).status).toBe(201);
  await stopped;
  await expect(fetch(`${pod.url}/openapi.json`)).rejects.toThrow();
}, 60_000);
