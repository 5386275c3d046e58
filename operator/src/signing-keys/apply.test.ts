import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { createAuthPodKeys } from '../auth-pods/keys-client.ts';
import type { AuthPodKeys } from '../auth-pods/keys-client.ts';
import { createApiClient } from '../runtime/client.ts';
import type { ApiClient } from '../runtime/client.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Cluster, Performed } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Pod } from '../runtime/core-kinds.ts';
import { silent } from '../runtime/log.ts';
import { createManager } from '../runtime/manager.ts';
import { createRuntimeMetrics } from '../runtime/metrics.ts';
import { PerObject } from '../runtime/per-object.ts';
import { createPodClient } from '../runtime/pod-client.ts';
import { Store } from '../runtime/store.ts';
import { readKeyRing } from '../stored/key-ring.ts';
import type { ReadRing } from '../stored/key-ring.ts';
import type { Seen } from '../stored/secret.ts';
import { performSigningKeys } from './apply.ts';
import { aStack, lifetimes } from './testing/seen.ts';
import type { RingAction, RingEdit } from './types.ts';

/** Against the real API server: what becomes of an action whose plan is behind. */

const stack = { namespace: 'auth', name: 'shop' };
const create: RingAction = {
  type: 'createRing',
  stack,
  algorithm: 'ES256',
  lifetimes,
  first: 'active',
  remembered: [],
  revoked: [],
};
const pass = { signal: new AbortController().signal, now: 0 };

let api: ApiServer;
let client: ApiClient;
let cluster: Cluster;
let authPodKeys: AuthPodKeys;

beforeAll(async () => {
  api = await startApiServer();
  await api.kubectl(['create', 'namespace', stack.namespace]);
  client = createApiClient({ userAgent: 'test', kubeconfig: api.kubeconfig });
  const settings = { client, clock: systemClock, log: silent, metrics: createRuntimeMetrics(), identity: 'test' };
  cluster = createManager({ ...settings, fieldManager: 'test', hashAnnotation: 'example.com/hash' }).cluster;
  const pods = createPodClient({
    identityOf: () => Promise.resolve(undefined),
    perObject: () => new PerObject(new Store<Pod>(), { clock: systemClock }),
  });
  authPodKeys = createAuthPodKeys(pods);
}, 120_000);

afterAll(async () => {
  await client.close();
  await api[Symbol.asyncDispose]();
});

function perform(action: RingAction): Promise<Performed> {
  return performSigningKeys(action, { cluster, authPodKeys, now: () => Date.now() }, pass);
}

async function storedRing(): Promise<Extract<Seen<ReadRing>, { state: 'value' }>> {
  const seen = readKeyRing(aStack(), await cluster.read(secretKind, { ...stack, name: 'shop-signing-keys' }, pass));
  if (seen.state !== 'value') throw new Error(`the ring is ${seen.state}`);
  return seen;
}

async function edit(change: RingEdit, resourceVersion: string): Promise<Performed> {
  return perform({ type: 'editRing', stack, resourceVersion, edit: change });
}

test('a promotion that lost its race is not done, and says so', async () => {
  await expect(perform(create)).resolves.toBe('done');
  const { resourceVersion, value } = await storedRing();
  const next = value.keys.find(({ phase }) => phase === 'next');
  const promote: RingEdit = { type: 'promote', kid: next?.kid ?? '', algorithm: 'ES256' };

  await expect(edit(promote, resourceVersion)).resolves.toBe('done');
  const after = await storedRing();
  await expect(edit(promote, resourceVersion)).resolves.toBe('overtaken');

  expect(await storedRing()).toEqual(after);
  expect(after.value.keys.find(({ phase }) => phase === 'active')?.kid).toBe(next?.kid);
});

test('of two promotions at the same time one is done', async () => {
  const { resourceVersion, value } = await storedRing();
  const next = value.keys.find(({ phase }) => phase === 'next');
  const promote: RingEdit = { type: 'promote', kid: next?.kid ?? '', algorithm: 'ES256' };

  const performed = await Promise.all([edit(promote, resourceVersion), edit(promote, resourceVersion)]);

  expect([...performed].sort()).toEqual(['done', 'overtaken']);
});

test('a ring that exists is never made anew', async () => {
  const before = await storedRing();
  await expect(perform(create)).resolves.toBe('overtaken');
  expect(await storedRing()).toEqual(before);
});

test('pods that cannot be told do not stop the pass', async () => {
  const wanted = { keys: [], revokedKids: ['k1'], floor: 1 };
  const pods = [{ name: 'shop-auth-1', ip: '127.0.0.1' }];
  await expect(perform({ type: 'reloadPods', stack, pods, wanted })).resolves.toBe('done');
});
