import { once } from 'node:events';
import { request } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { run } from '../../../../packages/http-service/src/testing/restarts.ts';
import type { Running } from '../../../../packages/http-service/src/testing/restarts.ts';
import { freePort } from '../../../../test/support/free-port.ts';
import { createAuthority, writeTlsFiles } from '../../../mongodb-agent/src/testing/certificates.ts';
import type { Authority, KeyPair } from '../../../mongodb-agent/src/testing/certificates.ts';
import { authContract, files, keysReport } from '../api.ts';
import type { ClientsDocument, KeysReport } from '../api.ts';
import { basic, storedSecret } from '../testing/cluster.ts';
import { environmentOf, mountSecret, ringKey, someSecrets, until } from '../testing/world.ts';
import type { Mount } from '../testing/world.ts';

/** A pod as a real process, whose container starts again while its mounts show what was before. */

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const [k1, k2, k3] = [ringKey('k1', 'active'), ringKey('k2', 'next'), ringKey('k3', 'next')];
const before = ring(3, [k1, k2]);
const orders = { id: 'shop/orders', audience: 'shop', secrets: [storedSecret('orders-secret')] };
const tickets = { id: 'shop/tickets', audience: 'shop', secrets: [storedSecret('tickets-secret')] };

let authority: Authority;
let operator: KeyPair;
let keys: Mount;
let folder: Mount;
let environment: Readonly<Record<string, string>>;
let pod: Running;
const made = new AsyncDisposableStack();

beforeAll(async () => {
  authority = await createAuthority();
  operator = await authority.issue(authContract.operatorCommonName);
  keys = made.use(await mountSecret(before));
  folder = made.use(await mountSecret({}));
  const clients = made.use(await mountSecret({ [files.clients]: JSON.stringify(documentOf(3, [orders, tickets])) }));
  const secrets = made.use(await mountSecret({ 'secrets.json': someSecrets() }));
  const tls = made.use(await mountSecret({}));
  await writeTlsFiles(tls.directory, authority, await authority.issue('shop-auth'));
  environment = {
    ...environmentOf({ keys, secrets, mongodb: made.use(await mountSecret({})) }),
    AUTHSTACK_OPERATOR_TLS_DIR: tls.directory,
    AUTHSTACK_OPERATOR_PORT: String(await freePort()),
    AUTHSTACK_SERVICE_PORT: String(await freePort()),
    AUTHSTACK_CLIENTS_FILE: join(clients.directory, files.clients),
    AUTHSTACK_TOLD_DIR: folder.directory,
    HOSTNAME: 'shop-auth-1',
  };
  await starts();
}, 60_000);
afterAll(async () => {
  await pod[Symbol.asyncDispose]();
  await made.disposeAsync();
});

function ring(version: number, of: readonly object[], revoked: readonly string[] = []): Record<string, string> {
  const tombstones = revoked.map((kid) => ({ kid, revokedAt: 1, mountsUntil: 1, cachesUntil: 1 }));
  return { [files.keyRing]: JSON.stringify({ version, keys: of, revoked: tombstones }) };
}

function documentOf(version: number, clients: ClientsDocument['clients']): ClientsDocument {
  return { version, clients };
}

async function starts(): Promise<void> {
  pod = await run(main, environment);
  await until(async () => (await report()).kids.length > 0, 'the ring is loaded');
}

/** As kubelet does it: the process is gone in the middle of whatever it did, and another takes its place. */
async function restarts(): Promise<void> {
  pod.child.kill('SIGKILL');
  await once(pod.child, 'exit');
  await starts();
}

async function report(): Promise<KeysReport> {
  return keysReport.parse((await tell('GET', authContract.keysPath)).body);
}

async function published(): Promise<readonly string[]> {
  const set = (await (await fetch(`${pod.url}${authContract.jwksPath}`)).json()) as { keys: { kid: string }[] };
  return set.keys.map(({ kid }) => kid);
}

/** Whether a service is let in. */
async function statusFor(client: string): Promise<number> {
  const body = { instance: 'instance of orders', name: 'orders-1', kids: ['k2'] };
  const port = environment['AUTHSTACK_SERVICE_PORT'] ?? '';
  const authorization = basic(`shop/${client}`, `${client}-secret`);
  return (await send('POST', authContract.acknowledgePath, { port, body, headers: { authorization } })).status;
}

function tell(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  return send(method, path, { port: environment['AUTHSTACK_OPERATOR_PORT'] ?? '', body, client: operator });
}

interface Sent {
  readonly port: string;
  readonly body?: unknown;
  readonly client?: KeyPair;
  readonly headers?: Readonly<Record<string, string>>;
}

function send(method: string, path: string, sent: Sent): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const { port, body, client, headers } = sent;
    const asked = request({
      ...{
        method,
        path,
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        agent: false,
        ca: authority.cert,
        ...client,
      },
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    });
    asked.on('error', reject).on('response', (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, body: text === '' ? undefined : (JSON.parse(text) as unknown) });
      });
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

test('what was taken away stays away when the container starts again on the mounts of before', async () => {
  expect(await published()).toEqual(['k1', 'k2']);
  expect([await statusFor('orders'), await statusFor('tickets')]).toEqual([204, 204]);

  const wanted = { keys: [k2['publicJwk'], k3['publicJwk']], signingKid: 'k2', revokedKids: ['k1'], floor: 4 };
  expect(await tell('POST', authContract.reloadKeysPath, wanted)).toMatchObject({ status: 200 });
  expect(await tell('POST', authContract.reloadClientsPath, documentOf(4, [tickets]))).toMatchObject({ status: 200 });

  for (const times of ['once', 'again']) {
    await restarts();
    expect([times, await report()]).toEqual([
      times,
      expect.objectContaining({ kids: ['k2', 'k3'], signingKid: 'k2', floor: 4, revokedKids: ['k1'] }),
    ]);
    expect(await published()).toEqual(['k2', 'k3']);
    expect([await statusFor('orders'), await statusFor('tickets')]).toEqual([401, 204]);
  }
}, 120_000);

test('a key that only the mount said was revoked stays away as well, also by a ring restored from before', async () => {
  const current = [{ ...k2, phase: 'active' }, k3];
  await keys.swap(ring(5, current, ['k9']));
  await until(async () => (await report()).revokedKids.includes('k9'), 'the tombstone is read');
  await keys.swap(ring(6, [...current, { ...ringKey('k9', 'retiring') }]));
  await restarts();
  expect(await report()).toMatchObject({ kids: ['k2', 'k3'], signingKid: 'k2', revokedKids: ['k1', 'k9'] });
}, 60_000);

test('without that folder a container that starts again has what its mounts show, until it is told', async () => {
  await keys.swap(before);
  const { AUTHSTACK_TOLD_DIR: _none, ...without } = environment;
  environment = without;
  await restarts();
  expect(await published()).toEqual(['k1', 'k2']);
}, 60_000);
