import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authContract } from '@authstack/auth-service/api';
import type { ClientsDocument } from '@authstack/auth-service/api';
import { systemClock } from '@authstack/http-service/clock';
import { listen } from '@authstack/http-service/listener';
import { createOperatorServer } from '@authstack/http-service/operator-server';
import { keepTlsFresh } from '@authstack/http-service/tls-files';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { LoadedClients } from '../../../services/auth/src/clients/loaded-clients.ts';
import { forgetful } from '../../../services/auth/src/told/memory.ts';
import { operatorListener } from '../../../services/auth/src/listeners/operator.ts';
import { authHostOf } from '../api/names.ts';
import { createAuthPodClients } from '../auth-pods/clients-client.ts';
import type { AuthPodClients } from '../auth-pods/clients-client.ts';
import { createAuthority, issue } from '../certificates/certificate.ts';
import { systemClock as operatorClock } from '../runtime/clock.ts';
import { PerObject } from '../runtime/per-object.ts';
import { createPodClient } from '../runtime/pod-client.ts';
import { Store } from '../runtime/store.ts';
import { eventually } from '../runtime/testing/eventually.ts';

/** The operator's client against the listener and the clients that an auth pod really has. */

const stack = { namespace: 'auth', name: 'shop' };
const pod = { stack, name: 'shop-auth-1', ip: '127.0.88.1' };
const log = pino({ level: 'silent' });
const now = Date.now();
const life = 86_400_000;
const made = new AsyncDisposableStack();
const call = { signal: AbortSignal.timeout(60_000) };
const loaded = new LoadedClients({ podName: pod.name, log, memory: forgetful() });
let authPodClients: AuthPodClients;

beforeAll(async () => {
  const ca = await createAuthority('auth/shop AuthStack CA', { now, life });
  const server = await issue(ca, {
    ...{ commonName: 'authstack-auth', dnsNames: [authHostOf(stack)], use: 'server', now, life },
  });
  const operator = await issue(ca, {
    commonName: authContract.operatorCommonName,
    dnsNames: [],
    use: 'client',
    now,
    life,
  });
  const directory = await mkdtemp(join(tmpdir(), 'clients-are-told-'));
  made.defer(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, 'tls.crt'), server.certificate);
  await writeFile(join(directory, 'tls.key'), server.privateKey);
  await writeFile(join(directory, 'ca.crt'), ca.certificate);
  const unused = (): never => {
    throw new Error('nobody asks this');
  };
  const keys = { report: unused, reload: unused };
  const ports = {
    keys,
    wrappingKeys: { ids: [] },
    verifiers: { report: unused },
    clients: loaded,
    kept: () => Promise.resolve(),
  };
  const { operator: listener } = operatorListener(directory, ports);
  if (!listener) throw new Error('there is no listener for the operator');
  const https = createOperatorServer({ ...listener, clock: systemClock, log });
  const ending = new AbortController();
  const pause = async (_delay: number, signal: AbortSignal): Promise<void> => {
    await once(signal, 'abort');
  };
  const fresh = await keepTlsFresh({ directory, server: https, pause, log }, ending.signal);
  const listening = await listen(https, { port: authContract.operatorPort, host: pod.ip });
  made.defer(async () => {
    ending.abort();
    await fresh.ended;
    await listening.close();
  });
  const identity = { cert: operator.certificate, key: operator.privateKey, ca: ca.certificate };
  authPodClients = createAuthPodClients(
    createPodClient({
      identityOf: () => Promise.resolve(identity),
      perObject: (_kind, onDropped) =>
        new PerObject(new Store(), { clock: operatorClock, ...(onDropped && { onDropped }) }),
    }),
  );
}, 60_000);
afterAll(() => made.disposeAsync());

function document(version: number, count: number): ClientsDocument {
  const secrets = [1, 2, 3].map((one) => ({ sha256: String(one).padEnd(43, 'A') }));
  const name = (n: number): string => `namespace-of-a-team-${n}/service-${n}`;
  return { version, clients: Array.from({ length: count }, (_, n) => ({ id: name(n), audience: 'shop', secrets })) };
}

test('a pod that is told has the document at once, also one of two thousand consumers', async () => {
  expect(await authPodClients.version(pod, call)).toBe(0);
  // On a busy machine it may not answer in time; whoever is not known to have it is told again.
  await eventually(async () => expect(await authPodClients.reload(pod, document(7, 2_000), call)).toBe(7));
  expect(loaded.current()?.byId.size).toBe(2_000);

  expect(await authPodClients.reload(pod, document(8, 1), call)).toBe(8);

  expect([...(loaded.current()?.byId.keys() ?? [])]).toEqual(['namespace-of-a-team-0/service-0']);
  expect(await authPodClients.version(pod, call)).toBe(8);
});

test('what is told late takes nothing back', async () => {
  expect(await authPodClients.reload(pod, document(3, 5), call)).toBe(8);
  expect(loaded.current()?.byId.size).toBe(1);
});

test('an address that another pod has by now, and one where nobody answers, are not known', async () => {
  expect(await authPodClients.version({ ...pod, name: 'shop-auth-2' }, call)).toBe('unknown');
  expect(await authPodClients.reload({ ...pod, ip: '127.0.88.2' }, document(9, 1), call)).toBe('unknown');
});
