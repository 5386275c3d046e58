import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAuthority, writeTlsFiles } from '../../../mongodb-agent/src/testing/certificates.ts';
import type { Authority, KeyPair } from '../../../mongodb-agent/src/testing/certificates.ts';
import { authContract, clientsReport, files, keysReport, podStatus, verifiersReport } from '../api.ts';
import type { ClientsDocument, KeysReport } from '../api.ts';
import { storedSecret } from '../testing/cluster.ts';
import { mountSecret, ringKey, someSecrets, startPod, until } from '../testing/world.ts';
import type { Mount, Pod } from '../testing/world.ts';

const [k1, k2] = [ringKey('k1', 'active'), ringKey('k2', 'next')];
const ring = (version: number, keys: readonly object[] = [k1, k2]): Record<string, string> => ({
  'ring.json': JSON.stringify({ version, keys }),
});
let authority: Authority;
let operator: KeyPair;
let keys: Mount;
let clients: Mount;
let pod: Pod;
const made = new AsyncDisposableStack();

beforeAll(async () => {
  authority = await createAuthority();
  operator = await authority.issue(authContract.operatorCommonName);
  keys = made.use(await mountSecret(ring(3)));
  clients = made.use(await mountSecret(mountedClients(3, 2)));
  const [secrets, mongodb, tls] = [
    made.use(await mountSecret({ 'secrets.json': someSecrets() })),
    made.use(await mountSecret({})),
    made.use(await mountSecret({})),
  ];
  await writeTlsFiles(tls.directory, authority, await authority.issue('shop-auth'));
  pod = await startPod(
    { keys, secrets, mongodb },
    {
      AUTHSTACK_OPERATOR_TLS_DIR: tls.directory,
      AUTHSTACK_OPERATOR_PORT: '0',
      AUTHSTACK_CLIENTS_FILE: join(clients.directory, files.clients),
      AUTHSTACK_SERVICE_PORT: '0',
      HOSTNAME: 'shop-auth-1',
    },
  );
  made.use(pod);
});
afterAll(() => made.disposeAsync());

test('the operator is told which keys the pod has loaded', async () => {
  await expect(report()).resolves.toMatchObject({
    ...{ pod: 'shop-auth-1', kids: ['k1', 'k2'], signingKid: 'k1', secretVersion: 3, floor: 0, revokedKids: [] },
    lastSignedAt: {},
  });
});

test('the operator is told which verifiers the pod has heard', async () => {
  const { body } = await call('GET', authContract.verifiersPath);
  expect(verifiersReport.parse(body)).toEqual({ pod: 'shop-auth-1', verifiers: [], left: [] });
});

test('only the operator may ask', async () => {
  await expect(
    call('GET', authContract.keysPath, { client: await authority.issue('shop-orders') }),
  ).resolves.toMatchObject({
    status: 403,
    body: { code: 'CLIENT_REFUSED' },
  });
});

test('requests are counted by route and outcome', async () => {
  await call('GET', authContract.verifiersPath);
  await call('GET', '/ops/nothing');
  const counted = (await metrics()).split('\n').filter((line) => line.startsWith('authstack_operator_requests_total'));
  expect(counted).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/\{route="\/ops\/verifiers",code="OK"} [1-9]/),
      'authstack_operator_requests_total{route="(none)",code="NOT_FOUND"} 1',
    ]),
  );
});

test.each([
  ['no floor', { keys: [], revokedKids: [] }, 'floor'],
  ['a version that is none', { keys: [], revokedKids: [], floor: -1 }, 'floor'],
  ['a field of another version', { keys: [], revokedKids: [], floor: 1, force: true }, 'force'],
  ['no list of keys', { keys: 'k1', revokedKids: [], floor: 1 }, 'keys'],
])('a reload with %s changes nothing', async (_what, body, field) => {
  await expect(call('POST', authContract.reloadKeysPath, { body })).resolves.toMatchObject({
    status: 400,
    body: { code: 'BAD_REQUEST', errors: [{ field }] },
  });
  await expect(report()).resolves.toMatchObject({ floor: 0 });
});

test('a revoked key is out of the published keys when the answer comes, and a mount that is behind is told of', async () => {
  const wanted = { keys: [k2['publicJwk']], signingKid: 'k2', revokedKids: ['k1'], floor: 4 };

  const { body } = await call('POST', authContract.reloadKeysPath, { body: wanted });

  expect(keysReport.parse(body)).toMatchObject({
    kids: ['k2'],
    signingKid: 'k2',
    secretVersion: 4,
    revokedKids: ['k1'],
  });
  const published = await (await fetch(`${pod.url}${authContract.jwksPath}`)).json();
  expect(published).toMatchObject({ keys: [{ kid: 'k2' }] });
  const status = async () => podStatus.parse(JSON.parse((await pod.probe(authContract.statusPath)).text));
  expect((await status()).keys?.problem).toContain('version 3, older than 4');
  expect((await pod.probe('/metrics')).text).toContain('authstack_key_ring_behind 1');

  await keys.swap(ring(2));
  await until(() => pod.log.some((line) => line.includes('it has version 2')), 'the older mount is refused');
  await expect(report()).resolves.toMatchObject({ kids: ['k2'], signingKid: 'k2', secretVersion: 4 });

  // As the operator writes it: the next key signs.
  await keys.swap(ring(4, [{ ...k2, phase: 'active', activatedAt: Date.now() }]));
  await until(async () => (await status()).keys?.problem === undefined, 'the mount has caught up');
  await expect(report()).resolves.toMatchObject({ kids: ['k2'], revokedKids: ['k1'] });
  expect(pod.log.join('')).not.toMatch(/"d":/);
});

test('the operator tells who is a client now, a thousand of them, and an older mount changes nothing', async () => {
  const version = async () => clientsReport.parse((await call('GET', authContract.clientsPath)).body);
  await expect(version()).resolves.toEqual({ pod: 'shop-auth-1', version: 3 });

  const body = clientsOf(4, 1_000, { padding: 'x'.repeat(1_000) });
  expect(JSON.stringify(body).length).toBeGreaterThan(1024 * 1024);
  await expect(call('POST', authContract.reloadClientsPath, { body })).resolves.toEqual({
    status: 200,
    body: { pod: 'shop-auth-1', version: 4 },
  });
  const status = async () => podStatus.parse(JSON.parse((await pod.probe(authContract.statusPath)).text)).clients;
  expect((await status())?.problem).toContain('version 3, older than 4');
  await expect(metrics()).resolves.toMatch(/^authstack_clients 1000\s+authstack_clients_behind 1$/m);

  await clients.swap(mountedClients(2, 1));
  await until(async () => (await status())?.problem?.includes('version 2') === true, 'the older mount is refused');
  await expect(version()).resolves.toEqual({ pod: 'shop-auth-1', version: 4 });

  await clients.swap({ [files.clients]: '{"version":' });
  await until(async () => (await status())?.problem === 'the file is not JSON', 'the file is refused');
  await expect(version()).resolves.toEqual({ pod: 'shop-auth-1', version: 4 });
  expect(await metrics()).toContain('authstack_file_reloads_total{file="clients",outcome="refused"} 2');

  await clients.swap(mountedClients(5, 2));
  await until(async () => (await version()).version === 5, 'the newer mount is in use');
  await expect(status()).resolves.toEqual({});
});

test('clients that cannot be read change nothing, and the answer does not repeat them', async () => {
  const before = await call('GET', authContract.clientsPath);
  const body = { version: 99, clients: [{ id: 'shop/orders', audience: 'shop', secrets: [{ sha256: 'a-secret' }] }] };
  const answer = await call('POST', authContract.reloadClientsPath, { body });
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'clients.0.secrets.0.sha256' }] } });
  expect(JSON.stringify(answer)).not.toContain('a-secret');
  const twice = { version: 99, clients: [1, 2].map(() => ({ id: 'shop/orders', audience: 'shop' })) };
  await expect(call('POST', authContract.reloadClientsPath, { body: twice })).resolves.toMatchObject({
    status: 400,
    body: { code: 'BAD_REQUEST', detail: 'the id of a client occurs twice' },
  });
  await expect(call('GET', authContract.clientsPath)).resolves.toEqual(before);
});

function clientsOf(version: number, count: number, more: object = {}): ClientsDocument {
  const clients = Array.from({ length: count }, (_, index) => ({
    ...{ id: `shop/service-${index}`, audience: 'shop', secrets: [storedSecret(`secret ${index}`)] },
    ...more,
  }));
  return { version, clients };
}

function mountedClients(version: number, count: number): Record<string, string> {
  return { [files.clients]: JSON.stringify(clientsOf(version, count)) };
}

async function metrics(): Promise<string> {
  return (await pod.probe('/metrics')).text.replaceAll(/^# .*\n/gm, '');
}

async function report(): Promise<KeysReport> {
  return keysReport.parse((await call('GET', authContract.keysPath)).body);
}

function call(
  method: 'GET' | 'POST',
  path: string,
  { body, client = operator }: { body?: unknown; client?: KeyPair } = {},
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ method, path, host: '127.0.0.1', port: pod.service.ports.operator, servername: 'localhost' },
      ...{ ca: authority.cert, ...client, agent: false },
      headers: { 'content-type': 'application/json' },
    });
    sent.on('error', reject).on('response', (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as unknown });
      });
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
