import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@authstack/http-service/clock';
import { listen } from '@authstack/http-service/listener';
import { operatorProblemOf, operatorProblems } from '@authstack/http-service/operator-problems';
import { createOperatorServer } from '@authstack/http-service/operator-server';
import { keepTlsFresh } from '@authstack/http-service/tls-files';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { authHostOf } from '../api/names.ts';
import { systemClock as operatorClock } from '../runtime/clock.ts';
import { PerObject } from '../runtime/per-object.ts';
import { createPodClient } from '../runtime/pod-client.ts';
import type { PodIdentity } from '../runtime/pod-client.ts';
import { Store } from '../runtime/store.ts';
import type { KeyPair } from '../stored/ca.ts';
import { createAuthority, issue } from './certificate.ts';
import type { LeafRequest } from './certificate.ts';

/** The listener that agents and auth pods have for the operator, its client, and certificates as a stack has them. */

const stack = { namespace: 'auth', name: 'shop' };
const now = Date.now();
const life = 86_400_000;
const made = new AsyncDisposableStack();
let ca: KeyPair;
let directory: string;
let port: number;

beforeAll(async () => {
  ca = await createAuthority('auth/shop AuthStack CA', { now, life });
  directory = await mkdtemp(join(tmpdir(), 'mutual-tls-'));
  made.defer(() => rm(directory, { recursive: true, force: true }));
  await mount(await ofAuthPods(), ca);
  const log = pino({ level: 'silent' });
  const server = createOperatorServer({
    routes: new Map([['/v1/secret', { method: 'GET', handle: () => ({ told: true }) }]]),
    problemOf: (error) => operatorProblemOf(error, { statuses: operatorProblems, failed: 'failed' }),
    clock: systemClock,
    log,
  });
  const ending = new AbortController();
  const pause = (_delay: number, signal: AbortSignal): Promise<unknown> => once(signal, 'abort');
  const fresh = await keepTlsFresh(
    { directory, server, pause: (...of) => pause(...of).then(() => undefined), log },
    ending.signal,
  );
  const listener = await listen(server, { port: 0, host: '127.0.0.1' });
  port = listener.port;
  made.defer(async () => {
    ending.abort();
    await fresh.ended;
    await listener.close();
  });
});
afterAll(() => made.disposeAsync());

async function mount({ certificate, privateKey }: KeyPair, authority: KeyPair): Promise<void> {
  await writeFile(join(directory, 'tls.crt'), certificate);
  await writeFile(join(directory, 'tls.key'), privateKey);
  await writeFile(join(directory, 'ca.crt'), authority.certificate);
}

const issued = (change: Partial<LeafRequest>, authority = ca): Promise<KeyPair> =>
  issue(authority, { commonName: 'authstack-operator', dnsNames: [], use: 'client', now, life, ...change });
const ofAuthPods = (): Promise<KeyPair> =>
  issued({ commonName: 'authstack-auth', dnsNames: [authHostOf(stack)], use: 'server' });

/** What a client with this identity is answered. */
async function askedBy({ certificate, privateKey }: KeyPair, trusts = ca): Promise<unknown> {
  const identity: PodIdentity = { cert: certificate, key: privateKey, ca: trusts.certificate };
  const pods = createPodClient({
    identityOf: () => Promise.resolve(identity),
    perObject: (_kind, onDropped) =>
      new PerObject(new Store(), { clock: operatorClock, ...(onDropped && { onDropped }) }),
  });
  const pod = { ...stack, name: 'shop-auth-1', ip: '127.0.0.1', port, servername: authHostOf(stack), owner: stack };
  const answer = await pods.ask(pod, { path: '/v1/secret', within: 20_000 }, new AbortController().signal);
  return answer.status === 200 ? answer.body : answer;
}

test('the operator is let in', async () => {
  await expect(askedBy(await issued({}))).resolves.toEqual({ told: true });
});

test.each<[string, () => Promise<KeyPair>]>([
  ['of another stack', async () => issued({}, await createAuthority('auth/other AuthStack CA', { now, life }))],
  ['of the auth pods themselves', ofAuthPods],
  [
    'of the agents',
    () => issued({ commonName: 'authstack-mongodb-agent', dnsNames: ['*.shop-mongodb.auth.svc'], use: 'server' }),
  ],
  ["of a server that has the operator's name", () => issued({ use: 'server' })],
  ['that has expired', () => issued({ now: now - 3 * life })],
])('a client with a certificate %s learns nothing', async (_whose, certificate) => {
  await expect(askedBy(await certificate())).rejects.toMatchObject({ name: 'PodUnreachable' });
});

test('a client of the stack that is not the operator is refused', async () => {
  await expect(askedBy(await issued({ commonName: 'shop-orders' }))).resolves.toMatchObject({
    status: 403,
    body: { code: 'CLIENT_REFUSED' },
  });
});

test('a client without TLS learns nothing', async () => {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write('GET /v1/secret HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');

  expect(Buffer.concat(chunks).toString('latin1')).not.toMatch(/HTTP|told/);
});

test('the operator tells nothing to a pod of another stack', async () => {
  const other = await createAuthority('auth/other AuthStack CA', { now, life });

  await expect(askedBy(await issued({}, other), other)).rejects.toMatchObject({ name: 'PodUnreachable' });
});
