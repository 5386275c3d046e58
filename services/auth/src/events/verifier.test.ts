import { once } from 'node:events';
import { request } from 'node:https';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createVerifier } from '@authstack/verify';
import type { Verifier, VerifierEvent } from '@authstack/verify';
import { consumerSecret, secretMount } from '../../../../packages/verify/src/testing/secret-mount.ts';
import { createAuthority, writeTlsFiles } from '../../../mongodb-agent/src/testing/certificates.ts';
import type { Authority, KeyPair } from '../../../mongodb-agent/src/testing/certificates.ts';
import { authContract, files, verifiersReport } from '../api.ts';
import type { ClientsDocument, KeysReload, VerifiersReport } from '../api.ts';
import { storedSecret } from '../testing/cluster.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { newcomer } from '../testing/visitor.ts';
import { MovableClock, mountSecret, ORIGIN, ringKey, startReadyPod, until } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';

/** Pods of the auth service as they run, and a service that verifies their tokens as it runs. */

const clientId = 'shop/orders';
const [k1, k2] = [ringKey('f1', 'active'), ringKey('f2', 'next')];
const publicOf = (key: typeof k1) => key['publicJwk'] as { kid: string };
function consenting(version: number, id: string, ...secrets: readonly string[]): ClientsDocument {
  const shown = secrets.length > 0 ? secrets : ['CLIENT-SECRET'];
  return { version, clients: [{ id, audience: 'shop', secrets: shown.map((secret) => storedSecret(secret)) }] };
}

let made: AsyncDisposableStack;
let authority: Authority;
let operator: KeyPair;
let stack: TestStack;
let environment: Record<string, string>;

beforeEach(async () => {
  made = new AsyncDisposableStack();
  authority = await createAuthority();
  operator = await authority.issue(authContract.operatorCommonName);
  const tls = made.use(await mountSecret({}));
  await writeTlsFiles(tls.directory, authority, await authority.issue('shop-auth'));
  const clients = made.use(await mountSecret({ [files.clients]: JSON.stringify(consenting(1, clientId)) }));
  environment = {
    AUTHSTACK_OPERATOR_TLS_DIR: tls.directory,
    AUTHSTACK_OPERATOR_PORT: '0',
    AUTHSTACK_CLIENTS_FILE: join(clients.directory, files.clients),
    AUTHSTACK_SERVICE_PORT: '0',
    HOSTNAME: 'shop-auth-1',
  };
  stack = made.use(await startStack({ environment }));
  await stack.mounts.keys.swap({ 'ring.json': JSON.stringify({ version: 1, keys: [k1, k2] }) });
  const [pod] = stack.pods;
  await until(async () => (await pod.probe('/metrics')).text.includes('{kid="f1"'), 'the ring is in use');
}, 60_000);
afterEach(() => made.disposeAsync());

/** Leads each new connection to the first of its pods, as the address of a Service leads it to one of them. */
interface Address {
  readonly url: string;
  /** How many there were so far. */
  readonly connections: number;
  pods: readonly Pod[];
}

async function anAddress(...pods: readonly Pod[]): Promise<Address> {
  const sockets = new Set<Socket>();
  const address = { pods, url: '', connections: 0 };
  const server = createServer((socket) => {
    address.connections += 1;
    const port = address.pods[0]?.service.ports.services ?? 1;
    const onward = connect(port, '127.0.0.1');
    for (const each of [socket, onward]) {
      sockets.add(
        each
          .on('error', () => undefined)
          .once('close', () => {
            socket.destroy();
            onward.destroy();
          }),
      );
    }
    socket.pipe(onward).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  made.defer(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  address.url = `https://localhost:${(server.address() as AddressInfo).port}`;
  return address;
}

interface Consumer {
  readonly verifier: Verifier;
  readonly clock: MovableClock;
  readonly events: readonly VerifierEvent[];
}

/** Its mount shows the first key alone, for as long as it lives. */
async function aConsumer({ url }: Address): Promise<Consumer> {
  const secret = consumerSecret([], {
    'jwks.json': JSON.stringify({ keys: [publicOf(k1)] }),
    ...{ issuer: ORIGIN, origin: ORIGIN, audience: 'shop', 'auth-url': url, 'ca.crt': authority.cert },
    ...{ 'client-id': clientId, 'client-secret': 'CLIENT-SECRET' },
  });
  const mount = made.use(await secretMount(secret));
  const events: VerifierEvent[] = [];
  const clock = new MovableClock();
  const verifier = made.use(
    createVerifier({ directory: mount.directory, clock, report: (event) => events.push(event) }),
  );
  const consumer = { verifier, clock, events };
  await until(() => feedOf(consumer) === 'connected', 'the verifier is connected');
  return consumer;
}

function feedOf({ verifier: { status } }: Consumer): string | undefined {
  return status.state === 'ready' ? status.feed.state : undefined;
}

function kidsOf({ verifier: { status } }: Consumer): readonly string[] {
  return status.state === 'ready' ? status.kids : [];
}

function ask(pod: Pod, path: string, body?: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ method: body === undefined ? 'GET' : 'POST', path, agent: false, servername: 'localhost' },
      ...{ host: '127.0.0.1', port: pod.service.ports.operator, ca: authority.cert, ...operator },
      headers: { 'content-type': 'application/json' },
    });
    sent.on('error', reject).on('response', (answer) => {
      answer.toArray().then((chunks) => {
        resolve(JSON.parse(Buffer.concat(chunks as Buffer[]).toString()));
      }, reject);
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function verifiersOf(pod: Pod): Promise<VerifiersReport['verifiers']> {
  return verifiersReport.parse(await ask(pod, authContract.verifiersPath)).verifiers;
}

const revoke: KeysReload = { keys: [publicOf(k2)], signingKid: 'f2', revokedKids: ['f1'], floor: 2 };
const refused = expect.objectContaining({ code: 'TOKEN_KEY_UNKNOWN' });

test('the operator takes a key away, and a connected service refuses its tokens and says that it does', async () => {
  const [pod] = stack.pods;
  const consumer = await aConsumer(await anAddress(pod));
  const person = await newcomer(pod);
  expect(consumer.verifier.verify(person.token)).toBeDefined();
  const kidsHeard = async () => (await verifiersOf(pod)).map(({ client, kids }) => [client, ...kids.toSorted()]);
  await until(
    async () => JSON.stringify(await kidsHeard()) === `[["${clientId}","f1","f2"]]`,
    'both keys are heard of',
  );

  await ask(pod, authContract.reloadKeysPath, revoke);
  await until(() => !kidsOf(consumer).includes('f1'), 'it is told');

  expect(() => consumer.verifier.verify(person.token)).toThrow(refused);
  await until(async () => JSON.stringify(await kidsHeard()) === `[["${clientId}","f2"]]`, 'it says so');
  // Its session is as good as before.
  expect((await person.refresh(pod)).status).toBe(200);
  expect(consumer.verifier.verify(person.token)).toBeDefined();
  expect(pod.log.join('')).not.toMatch(/CLIENT-SECRET|"d":/);
}, 60_000);

test('a service acknowledges over one connection, beside that of its stream', async () => {
  const [pod] = stack.pods;
  const address = await anAddress(pod);
  await aConsumer(address);
  const heard = async () => (await verifiersOf(pod)).map(({ kids }) => kids.toSorted().join());
  for (const [index, keys] of [[k1, k2], [k1], [k1, k2], [k1], [k1, k2]].entries()) {
    const told: KeysReload = { keys: keys.map(publicOf), signingKid: 'f1', revokedKids: [], floor: 2 + index };
    await ask(pod, authContract.reloadKeysPath, told);
    const kids = keys.map(({ kid }) => kid).join();
    await until(async () => (await heard()).join() === kids, `${kids} are heard of`);
  }
  expect(address.connections).toBe(2);
}, 60_000);

test('a pod that goes hands its streams over: the service is connected to another, and is told nothing of it', async () => {
  const [pod] = stack.pods;
  const address = await anAddress(pod);
  const consumer = await aConsumer(address);
  const next = made.use(await startReadyPod(stack.mounts, environment));
  consumer.clock.advance(10_000);

  // In this order, as endpoints move while a pod drains.
  address.pods = [next];
  await pod.service.stop();
  await until(async () => (await verifiersOf(next)).length === 1, 'it is connected to the next pod');

  const told = consumer.events.filter(({ type }) => type === 'feed');
  expect([feedOf(consumer), told]).toEqual(['connected', [{ type: 'feed', state: 'connected' }]]);
  await ask(next, authContract.reloadKeysPath, revoke);
  await until(() => !kidsOf(consumer).includes('f1'), 'it is told by that pod');
}, 60_000);

test('consent that is withdrawn ends the stream at once, and the service says why while its mount goes on', async () => {
  const [pod] = stack.pods;
  const consumer = await aConsumer(await anAddress(pod));
  const person = await newcomer(pod);

  await ask(pod, authContract.reloadClientsPath, consenting(2, 'shop/another'));
  await until(() => consumer.events.some(({ type }) => type === 'clientRefused'), 'it is refused');

  expect(feedOf(consumer)).not.toBe('connected');
  expect((await pod.probe('/metrics')).text).toContain('authstack_feed_connections 0');
  expect((await pod.probe('/metrics')).text).toContain('authstack_feed_streams_ended_total{reason="client_refused"} 1');
  expect(consumer.verifier.verify(person.token)).toBeDefined();

  await ask(pod, authContract.reloadClientsPath, consenting(3, clientId));
  await until(() => feedOf(consumer) === 'connected', 'it is let in again');
}, 60_000);

test('a client secret that is taken away ends the stream it was shown for; one that is added ends none for long', async () => {
  const [pod] = stack.pods;
  const consumer = await aConsumer(await anAddress(pod));
  await ask(pod, authContract.reloadClientsPath, consenting(2, clientId, 'CLIENT-SECRET', 'the next one'));
  await until(
    async () => (await pod.probe('/metrics')).text.includes('reason="credential_changed"} 1'),
    'it is asked again',
  );
  await until(async () => (await pod.probe('/metrics')).text.includes('authstack_feed_connections 1'), 'it is let in');

  await ask(pod, authContract.reloadClientsPath, consenting(3, clientId, 'the next one'));
  await until(() => consumer.events.some(({ type }) => type === 'clientRefused'), 'it is refused');
  expect((await pod.probe('/metrics')).text).toContain('authstack_feed_connections 0');
}, 60_000);
