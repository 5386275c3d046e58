import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { authContract, verifiersReport } from '@authstack/auth-service/api';
import type { VerifiersReport } from '@authstack/auth-service/api';
import { consumerSecret } from '../../packages/verify/src/testing/secret-mount.ts';
import { basic, storedSecret } from '../../services/auth/src/testing/cluster.ts';
import { consenting } from '../../services/auth/src/testing/consenting.ts';
import type { Consenting } from '../../services/auth/src/testing/consenting.ts';
import { startStack } from '../../services/auth/src/testing/stack.ts';
import type { TestStack } from '../../services/auth/src/testing/stack.ts';
import { ringKey, until } from '../../services/auth/src/testing/world.ts';
import type { RingKey } from '../../services/auth/src/testing/world.ts';
import type { KeyPair } from '../../services/mongodb-agent/src/testing/certificates.ts';
import { openShop, premises } from '../../services/orders/src/testing/shop.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from './eventually.ts';
import { bundled } from './key-set-reader.ts';
import { accessTokens } from './people.ts';
import { PretendedVerifier } from './pretended-verifier.ts';
import { showToken } from './show-token.ts';
import type { TakesTokens } from './show-token.ts';
import { AUDIENCE } from './stack.ts';
import { TokenLoad } from './token-load.ts';
import { Visitor } from './visitor.ts';

/** What scenarios put into the cluster and send to it, with an auth pod and services as they run, on loopback. */

const CLIENT = { id: 'shop/orders', secret: 'CLIENT-SECRET' };
/** In seconds. */
const JWKS_MAX_AGE = 5;
const [k1, k2, k3] = [ringKey('k1', 'active'), ringKey('k2', 'next'), ringKey('k3', 'active')];

let made: AsyncDisposableStack;
let clients: Consenting;
let operator: KeyPair;
let issuer: string;
let stack: TestStack;

beforeEach(async () => {
  made = new AsyncDisposableStack();
  clients = made.use(await consenting([{ id: CLIENT.id, audience: AUDIENCE, secrets: [storedSecret(CLIENT.secret)] }]));
  operator = await clients.authority.issue(authContract.operatorCommonName);
  const port = await freePort();
  issuer = `http://localhost:${port}`;
  const environment = {
    ...clients.environment,
    AUTHSTACK_ISSUER: issuer,
    AUTHSTACK_PORT: `${port}`,
    AUTHSTACK_JWKS_MAX_AGE_SECONDS: `${JWKS_MAX_AGE}`,
  };
  stack = made.use(await startStack({ environment }));
  await become(1, [k1, k2]);
}, 60_000);
afterEach(() => made.disposeAsync());

/** The ring that the auth pod signs and publishes by. */
async function become(version: number, keys: readonly RingKey[]): Promise<void> {
  await stack.mounts.keys.swap({ 'ring.json': JSON.stringify({ version, keys }) });
  // By the keys themselves: those that the stack began with have the same kids.
  const published = keys.map((key) => key['publicJwk']);
  await eventually(async () => expect(await publishedKeys()).toMatchObject(published), { within: 10 });
}

function retired(key: RingKey): RingKey {
  const { privateJwk: _, ...rest } = key as RingKey & { privateJwk: unknown };
  return { ...rest, kid: key.kid, phase: 'retiring' };
}

async function publishedKeys(): Promise<readonly object[]> {
  const answer = await fetch(`${stack.pods[0].url}${authContract.jwksPath}`);
  return ((await answer.json()) as { keys: readonly object[] }).keys;
}

async function orders(name: string, environment: Readonly<Record<string, string>> = {}): Promise<TakesTokens> {
  const secret = consumerSecret([], {
    'jwks.json': JSON.stringify({ keys: [k1, k2].map((key) => key['publicJwk']) }),
    ...{ issuer, origin: issuer, audience: AUDIENCE, 'ca.crt': clients.authority.cert },
    'auth-url': `https://localhost:${stack.pods[0].service.ports.services}`,
    ...{ 'client-id': CLIENT.id, 'client-secret': CLIENT.secret },
  });
  const place = made.use(await premises(secret));
  const shop = made.use(await openShop({ ...place, environment: { ...place.environment, ...environment } }));
  return { name, show: (token) => showToken(token, { url: `${shop.url}/api/orders` }) };
}

/** The program that a pod runs, in a process of its own. */
async function reader(): Promise<TakesTokens> {
  const folder = await mkdtemp(join(tmpdir(), 'reader-'));
  made.defer(() => rm(folder, { recursive: true }));
  const program = join(folder, 'main.mjs');
  await writeFile(program, await bundled());
  const port = await freePort();
  const child = spawn(process.execPath, [program, issuer, AUDIENCE, `${port}`], { stdio: 'inherit' });
  made.defer(async () => {
    child.kill();
    await once(child, 'exit');
  });
  const url = `http://127.0.0.1:${port}/`;
  await eventually(() => fetch(url), { within: 10 });
  return { name: 'reader', show: (token) => showToken(token, { url }) };
}

async function startLoad(services: readonly TakesTokens[]): Promise<TokenLoad> {
  const visitor = new Visitor(stack.pods[0].url, issuer);
  return made.use(TokenLoad.start(await accessTokens(visitor), services));
}

function whoRefused(load: TokenLoad): readonly string[] {
  return load.report().refusals.map(({ service }) => service);
}

test('the load has every service verify, and notes who refused a token of which key', async () => {
  const [connected, mountOnly] = [await orders('connected'), await orders('mount-only', { ORDERS_FEED: 'false' })];
  const load = await startLoad([connected, mountOnly, await reader()]);
  await load.everybodyAccepts('k1', { within: 10 });
  await become(2, [retired(k1), { ...k2, phase: 'active' }]);
  await load.everybodyAccepts('k2', { within: 10 });
  expect(load.report().refusals).toEqual([]);

  // A key that signs without its lead: nobody mounts it, and the published set of before is kept for a while.
  await become(3, [retired(k1), retired(k2), k3]);
  await until(() => whoRefused(load).includes(mountOnly.name), 'whoever lacks the key refuses it');
  await until(() => load.acceptedAt('reader', 'k3') !== undefined, 'the reader has fetched it');
  const { refusals, services, notIssued } = await load.end();
  expect(load.acceptedAt(mountOnly.name, 'k3')).toBeUndefined();
  expect(new Set(refusals.map(({ kid }) => kid))).toEqual(new Set(['k3']));
  expect(refusals.find(({ service }) => service === mountOnly.name)).toMatchObject({
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    why: '401 TOKEN_KEY_UNKNOWN',
  });
  expect(services.map(({ service, kids }) => [service, ...kids])).toEqual([
    ['connected', 'k1', 'k2', 'k3'],
    ['mount-only', 'k1', 'k2'],
    ['reader', 'k1', 'k2', 'k3'],
  ]);
  expect(notIssued).toEqual([]);
}, 90_000);

test('the reader keeps the key set for as long as it may, whatever it is shown meanwhile', async () => {
  const service = await reader();
  const issue = await accessTokens(new Visitor(stack.pods[0].url, issuer));
  expect(await service.show(await issue())).toBe('accepted');
  const fetched = performance.now();
  await become(2, [retired(k1), retired(k2), k3]);
  const token = await issue();
  expect(await service.show(token)).toEqual({ refused: '401 ERR_JWKS_NO_MATCHING_KEY' });
  await eventually(async () => expect(await service.show(token)).toBe('accepted'), { within: JWKS_MAX_AGE });
  expect(performance.now() - fetched).toBeGreaterThan((JWKS_MAX_AGE - 1) * 1000);
}, 90_000);

test('a pretended verifier is connected, has the keys that it says, and is gone once it ends; a stranger cannot be one', async () => {
  const [pod] = stack.pods;
  const listener = {
    host: '127.0.0.1',
    port: pod.service.ports.services,
    servername: 'localhost',
    ca: clients.authority.cert,
    headers: { authorization: basic(CLIENT.id, CLIENT.secret) },
  };
  {
    await using stuck = await PretendedVerifier.connect(listener, { name: 'orders-stuck', kids: ['k1'] });
    expect(await verifiers()).toMatchObject([{ client: CLIENT.id, name: 'orders-stuck', kids: ['k1'] }]);
    expect(await connections()).toBe('1');
    await stuck.says(['k1', 'k2']);
    expect(await verifiers()).toMatchObject([{ kids: ['k1', 'k2'] }]);
    // It says so by itself.
    await eventually(async () => expect((await verifiers())[0]?.heardMillisAgo).toBeGreaterThan(3_000), { within: 10 });
    await eventually(async () => expect((await verifiers())[0]?.heardMillisAgo).toBeLessThan(2_000), { within: 10 });
    expect(stuck.problem).toBeUndefined();
  }
  await eventually(async () => expect(await connections()).toBe('0'), { within: 10 });

  const stranger = { ...listener, headers: { authorization: basic(CLIENT.id, 'another') } };
  const connecting = PretendedVerifier.connect(stranger, { name: 'orders-stuck', kids: ['k1'] });
  await expect(connecting).rejects.toThrow('the auth pod answers 401 instead of events');
}, 90_000);

async function verifiers(): Promise<VerifiersReport['verifiers']> {
  const port = stack.pods[0].service.ports.operator;
  const options = { host: '127.0.0.1', servername: 'localhost', ca: clients.authority.cert, ...operator, agent: false };
  const sent = request({ ...options, port, path: authContract.verifiersPath }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return verifiersReport.parse(await json(answer)).verifiers;
}

async function connections(): Promise<string | undefined> {
  const { text } = await stack.pods[0].probe('/metrics');
  return /^authstack_feed_connections (\d+)$/m.exec(text)?.[1];
}
