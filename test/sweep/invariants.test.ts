import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  CONSUMER_LABEL,
  FIELD_MANAGER,
  IN_SERVICE,
  MANAGED_BY_LABEL,
  OUT_OF_SERVICE,
  SERVING_LABEL,
} from '../../operator/src/api/names.ts';
import { createApiClient } from '../../operator/src/runtime/client.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { secretHash } from '../../operator/src/stored/client-key.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { difference, readState } from './state.ts';
import type { State } from './state.ts';
import { InvariantChecker } from './invariants.ts';

let api: ApiServer;
let client: ApiClient;
let invariants: InvariantChecker;
let now = 0;

beforeAll(async () => {
  api = await startApiServer({ crds: true });
  client = createApiClient({ userAgent: 'user', kubeconfig: api.kubeconfig });
  invariants = new InvariantChecker({ client, now: () => now, stack: 'main', lead: 1_000, volumeRefresh: 1_000 });
}, 120_000);

afterAll(async () => {
  await invariants.close();
  await client.close();
  await api[Symbol.asyncDispose]();
});

/** Namespaces of a stack and a consumer, which the checker follows. */
async function followed(name: string): Promise<{ readonly auth: string; readonly shop: string }> {
  const [auth, shop] = [`${name}-auth`, `${name}-shop`];
  for (const namespace of [auth, shop]) await api.kubectl(['create', 'namespace', namespace]);
  invariants.follow(auth, shop);
  return { auth, shop };
}

async function write(namespace: string, name: string, data: Readonly<Record<string, string>>): Promise<void> {
  const labels = name === 'copy' ? { [CONSUMER_LABEL]: 'orders', [MANAGED_BY_LABEL]: FIELD_MANAGER } : {};
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels }, stringData: data };
  await api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(secret));
}

function publish(namespace: string, name: string, ...kids: readonly string[]): Promise<void> {
  return write(namespace, name, { 'jwks.json': JSON.stringify({ keys: kids.map((kid) => ({ kid })) }) });
}

function sign(namespace: string, kid: string): Promise<void> {
  return write(namespace, 'main-signing-keys', { 'ring.json': JSON.stringify({ keys: [{ kid, phase: 'active' }] }) });
}

async function isViolated(namespace: string, law: RegExp): Promise<void> {
  const reported: string[] = [];
  await eventually(async () => {
    reported.push(...(await invariants.violations(namespace)));
    expect(reported).toEqual([expect.stringMatching(law)]);
  });
}

test('a key that signs and was never published is a violation', async () => {
  const { auth } = await followed('unpublished');
  await sign(auth, 'a');
  await sign(auth, 'b');
  await isViolated(auth, /key b signs and was never published/);
});

test('a key that signs before its lead is over is a violation', async () => {
  const { auth } = await followed('hasty');
  await publish(auth, 'main-jwks', 'a', 'b');
  await sign(auth, 'a');
  await sign(auth, 'b');
  await isViolated(auth, /key b signs before its lead/);
});

test('a key that a copy lacks is a violation, and one that every copy has had for its lead is none', async () => {
  const { auth, shop } = await followed('uncopied');
  await publish(shop, 'copy', 'a', 'b');
  await publish(auth, 'main-jwks', 'a', 'b', 'c');
  await sign(auth, 'a');
  // It has seen everything before, because a watch delivers in order.
  await write(auth, 'main-mongodb-identity', { 'replica-set-id': 'one' });
  await eventually(() => expect(invariants.setsOf(auth)).toEqual(['one']));
  now += 1_000;
  await sign(auth, 'b');
  await sign(auth, 'c');
  await isViolated(auth, /key c signs and the copy copy lacks it/);
});

test('a client secret that a consumer may have mounted and that is not accepted is a violation', async () => {
  const { auth, shop } = await followed('secrets');
  const accept = (...secrets: readonly string[]): Promise<void> => {
    const hashes = secrets.map((secret) => ({ sha256: secretHash(secret) }));
    const clients = [{ id: `${shop}/orders`, audience: 'shop', secrets: hashes }];
    return write(auth, 'main-clients', { 'clients.json': JSON.stringify({ version: 1, clients }) });
  };
  await accept('one', 'two');
  await write(shop, 'copy', { 'jwks.json': '{"keys":[]}', 'client-secret': 'one' });
  await write(shop, 'copy', { 'jwks.json': '{"keys":[]}', 'client-secret': 'two' });
  await accept('two', 'three');
  await isViolated(auth, /a client secret that pods of .*-shop\/orders have is not accepted/);
  now += 1_000;
  await accept('two', 'three', 'four');
  await accept('three', 'four');
  await isViolated(auth, /is not accepted/);
});

test('a second replica set is a violation', async () => {
  const { auth } = await followed('twice');
  for (const id of ['', 'one', 'one', 'two']) await write(auth, 'main-mongodb-identity', { 'replica-set-id': id });
  await isViolated(auth, /initiated more than once: one, two/);
});

test('a deleted claim is a violation', async () => {
  const { auth } = await followed('claim');
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: auth }, spec };
  await api.kubectl(['create', '-f', '-'], JSON.stringify(claim));
  await api.kubectl(['-n', auth, 'delete', 'pvc', 'data', '--wait=false']);
  await isViolated(auth, /PersistentVolumeClaim data was deleted/);
});

/** Auth pods that are ready, and the Service that sends to both. */
async function servedPods(auth: string): Promise<void> {
  await api.kubectl(['-n', auth, 'create', 'serviceaccount', 'default']);
  for (const name of ['one', 'two']) {
    const metadata = { name, namespace: auth, labels: { [SERVING_LABEL]: IN_SERVICE } };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'auth', image: 'auth' }] } };
    await api.kubectl(['create', '-f', '-'], JSON.stringify(pod));
    const status = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
    await api.kubectl(['-n', auth, 'patch', 'pod', name, '--subresource=status', '-p', JSON.stringify(status)]);
  }
  await select(auth, { [SERVING_LABEL]: IN_SERVICE });
}

async function select(auth: string, selector: Readonly<Record<string, string>>): Promise<void> {
  const metadata = { name: 'main-auth', namespace: auth };
  const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector, ports: [{ port: 80 }] } };
  await api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(service));
}

async function takeOut(auth: string, pod: string): Promise<void> {
  await api.kubectl(['-n', auth, 'label', 'pod', pod, '--overwrite', `${SERVING_LABEL}=${OUT_OF_SERVICE}`]);
}

test('a pod that is taken out of its Service is a violation', async () => {
  const { auth } = await followed('pod');
  await servedPods(auth);
  await takeOut(auth, 'one');
  await isViolated(auth, /Pod one was taken out/);
});

test('a Service that asks for what its pods lack is a violation, as each and as the last of them', async () => {
  const { auth } = await followed('selector');
  await servedPods(auth);
  await select(auth, { [SERVING_LABEL]: IN_SERVICE, tier: 'none' });
  const reported: string[] = [];
  await eventually(async () => {
    reported.push(...(await invariants.violations(auth)));
    expect(reported).toEqual([
      'Pod one was taken out of its Service',
      'Pod two was taken out of its Service',
      'one, two was taken out of its Service, which has no other',
    ]);
  });
});

test('a pod that alone cannot be reached may be taken out, and the last one may not', async () => {
  const { auth } = await followed('excused');
  await servedPods(auth);
  for (const name of ['one', 'two']) {
    invariants.excuse({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: auth }, spec: {} });
    await takeOut(auth, name);
  }
  await isViolated(auth, /two was taken out of its Service, which has no other/);
});

test('states are equal except for what depends on chance, and a field that differs is named', async () => {
  const state = async (name: string, data: Readonly<Record<string, string>>): Promise<State> => {
    const { auth } = await followed(name);
    await write(auth, 'main-ca', data);
    // For a moment after their definitions were made, custom kinds cannot be listed.
    return eventually(() => readState({ client, namespaces: { [auth]: '<auth>' } }));
  };
  const kid = (letter: string): string => letter.repeat(43);
  const first = await state('first', { key: kid('a'), at: '2026-01-01T00:00:00Z', phase: 'next' });
  const alike = await state('alike', { key: kid('b'), at: '2026-01-02T00:00:00Z', phase: 'next' });
  const another = await state('another', { key: kid('c'), at: '2026-01-03T00:00:00Z', phase: 'active' });
  expect(difference(alike, first)).toEqual([]);
  expect(difference(another, first)).toEqual([
    expect.stringMatching(/^\+ Secret .*"phase":"active"/),
    expect.stringMatching(/^- Secret .*"phase":"next"/),
  ]);
});
