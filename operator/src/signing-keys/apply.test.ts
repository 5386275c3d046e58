import { readWrappingKey } from '@authstack/auth-service/wrapped-key';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { createAuthPodKeys } from '../auth-pods/keys-client.ts';
import type { AuthPodKeys } from '../auth-pods/keys-client.ts';
import { createApiClient } from '../runtime/client.ts';
import type { ApiClient } from '../runtime/client.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Cluster, Performed } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Pod, Secret } from '../runtime/core-kinds.ts';
import { silent } from '../runtime/log.ts';
import { createManager } from '../runtime/manager.ts';
import { createRuntimeMetrics } from '../runtime/metrics.ts';
import { PerObject } from '../runtime/per-object.ts';
import { createPodClient } from '../runtime/pod-client.ts';
import { Store } from '../runtime/store.ts';
import { readKeyRing } from '../stored/key-ring.ts';
import type { ReadRing, Wrapping } from '../stored/key-ring.ts';
import { textsIn } from '../stored/secret.ts';
import type { Seen } from '../stored/secret.ts';
import { performSigningKeys } from './apply.ts';
import { aStack, lifetimes } from './testing/seen.ts';
import type { RingAction, RingEdit } from './types.ts';
import type { Remembered } from './wrapping-keys.ts';

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
const wrappingKeys = new PerObject<Remembered>(new Store(), { clock: systemClock });
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
  return performSigningKeys(action, { cluster, authPodKeys, wrappingKeys, now: () => Date.now() }, pass);
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

describe('a ring that is wrapped', () => {
  const wrapping: Wrapping = { secretName: 'custody', keyId: idOf(Buffer.alloc(32, 200)) };
  const wrapped = { namespace: stack.namespace, name: 'wrapped' };
  const seen: Remembered = { at: 0, of: '', seen: { wanted: { state: 'none' }, ids: [] } };

  const texts = async (): Promise<string> => {
    const secret = await cluster.read(secretKind, { ...stack, name: 'wrapped-signing-keys' }, pass);
    return secret ? (textsIn(secret)['ring.json'] ?? '') : '';
  };
  const resourceVersion = async (): Promise<string> => {
    const secret = await cluster.read(secretKind, { ...stack, name: 'wrapped-signing-keys' }, pass);
    return secret?.metadata.resourceVersion ?? '';
  };
  const edit = async (change: RingEdit): Promise<Performed> =>
    perform({ type: 'editRing', stack: wrapped, resourceVersion: await resourceVersion(), edit: change });
  const jwes = async (): Promise<readonly string[]> => (await texts()).match(/"privateJwk":"[^"]+"/g) ?? [];

  test('is not made while the wrapping key that the plan has seen is gone, and that is not believed any longer', async () => {
    wrappingKeys.set(wrapped, seen);
    await expect(perform({ ...create, stack: wrapped, wrapping })).resolves.toBe('overtaken');
    expect(await texts()).toBe('');
    expect(wrappingKeys.get(wrapped)).toBeUndefined();

    const custody: Secret = {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { ...stack, name: 'custody' } },
      data: { old: Buffer.alloc(32, 200).toString('base64') },
    };
    await cluster.create(secretKind, custody, pass);
    await expect(perform({ ...create, stack: wrapped, wrapping })).resolves.toBe('done');
    expect(await jwes()).toHaveLength(2);
    expect(await texts()).not.toContain('"d"');
  });

  test('is not written anew by a note, and keeps what a promotion leaves', async () => {
    const before = await jwes();
    const { accessTokenTtl, jwksMaxAge } = lifetimes;
    await expect(edit({ type: 'noteLifetimes', accessTokenTtl: accessTokenTtl + 1, jwksMaxAge })).resolves.toBe('done');
    expect(await jwes()).toEqual(before);
    const [, kid = ''] = /"kid":"([^"]+)","phase":"next"/.exec(await texts()) ?? [];
    await expect(edit({ type: 'promote', kid, algorithm: 'ES256' })).resolves.toBe('done');
    const after = await jwes();
    expect(after).toHaveLength(2);
    expect(after.filter((each) => before.includes(each))).toHaveLength(1);
  });

  test('stays as it is where the key to unwrap it, or the next one, is gone when it is written', async () => {
    const before = await texts();
    const another = { secretName: 'custody', keyId: 'another' };
    await expect(edit({ type: 'rewrap', wrapping: another })).resolves.toBe('overtaken');
    await api.kubectl(['-n', stack.namespace, 'delete', 'secret', 'custody']);
    await expect(edit({ type: 'rewrap', wrapping: 'plain' })).resolves.toBe('overtaken');
    await expect(edit({ type: 'publishNext', algorithm: 'ES256' })).resolves.toBe('overtaken');
    expect(await texts()).toBe(before);
  });
});

function idOf(bytes: Uint8Array): string {
  const key = readWrappingKey(bytes);
  if ('why' in key) throw new Error(key.why);
  return key.id;
}

test('pods that cannot be told do not stop the pass', async () => {
  const wanted = { keys: [], revokedKids: ['k1'], floor: 1 };
  const pods = [{ name: 'shop-auth-1', ip: '127.0.0.1' }];
  await expect(perform({ type: 'reloadPods', stack, pods, wanted })).resolves.toBe('done');
});
