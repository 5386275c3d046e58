import { subscribe } from 'node:diagnostics_channel';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { createApiClient } from './client.ts';
import type { ApiClient } from './client.ts';
import { systemClock } from './clock.ts';
import { performKubernetes } from './cluster.ts';
import type { Cluster, KubernetesAction, Performed } from './cluster.ts';
import { configMapKind, persistentVolumeClaimKind, secretKind, serviceKind } from './core-kinds.ts';
import { silent } from './log.ts';
import { createManager } from './manager.ts';
import { createRuntimeMetrics } from './metrics.ts';
import type { KubernetesObject } from './objects.ts';
import { eventually } from './testing/eventually.ts';

const stopping = new AbortController();
const { signal } = new AbortController();
const options = { signal };
let api: ApiServer;
let client: ApiClient;
let cluster: Cluster;
let running: Promise<unknown>;
/** Whose watch sees nothing, for it asks for a label that nothing has. */
let labelled: Cluster;
let reads = 0;
let writes = 0;
/** The protocol of each connection that was made (undici's diagnostics channel). */
const protocols: unknown[] = [];

beforeAll(async () => {
  subscribe('undici:client:connected', (message) => {
    const { socket } = message as { readonly socket: Partial<TLSSocket> };
    // etcd, which the test's own fetch asks, speaks no TLS.
    if (socket.encrypted === true) protocols.push(socket.alpnProtocol);
  });
  api = await startApiServer();
  client = createApiClient({
    userAgent: 'test',
    kubeconfig: api.kubeconfig,
    onAnswer: ({ method }) => {
      if (method === 'GET') reads += 1;
      else writes += 1;
    },
  });
  const settings = {
    client,
    clock: systemClock,
    log: silent,
    fieldManager: 'runtime-test',
    hashAnnotation: 'example.com/applied-hash',
    identity: 'test',
  };
  const blind = createManager({ ...settings, metrics: createRuntimeMetrics() });
  blind.watch(configMapKind, { labelSelector: 'example.com/nothing=has-it' });
  labelled = blind.cluster;
  const manager = createManager({ ...settings, metrics: createRuntimeMetrics() });
  manager.watch(configMapKind);
  manager.watch(persistentVolumeClaimKind);
  cluster = manager.cluster;
  running = manager.run(stopping.signal);
}, 120_000);

afterAll(async () => {
  stopping.abort();
  await running;
  await client.close();
  await api[Symbol.asyncDispose]();
});

interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

function configMap(name: string, data: Readonly<Record<string, string>>): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
}

const ref = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

/** The watch shows what the API server has. */
async function isCached(name: string): Promise<ConfigMap> {
  const live = (await cluster.read(configMapKind, ref(name), options)) as ConfigMap;
  await eventually(() => {
    expect(cluster.cached(configMapKind, ref(name))?.metadata.resourceVersion).toBe(live.metadata.resourceVersion);
  });
  return live;
}

test('each watch has a connection of its own, so that nothing waits behind another', async () => {
  await eventually(() => {
    expect(protocols.length).toBeGreaterThanOrEqual(2);
  });
  expect(new Set(protocols)).toEqual(new Set(['http/1.1']));
});

test('a value that the API server writes in another way is sent once, and once more after each foreign change', async () => {
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'quantity', namespace: 'default' },
    // Stored as `1Gi`.
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
  };
  const caught = (): Promise<void> =>
    eventually(async () => {
      const live = await cluster.read(persistentVolumeClaimKind, ref('quantity'), options);
      const cached = cluster.cached(persistentVolumeClaimKind, ref('quantity'));
      expect(cached?.metadata.resourceVersion).toBe(live?.metadata.resourceVersion);
    });
  const before = writes;
  for (let turn = 0; turn < 3; turn++) {
    await cluster.apply(persistentVolumeClaimKind, claim, options);
    await caught();
  }
  expect(writes).toBe(before + 1);

  await api.kubectl(['label', 'pvc', 'quantity', 'somebody=else']);
  await caught();
  for (let turn = 0; turn < 3; turn++) {
    await cluster.apply(persistentVolumeClaimKind, claim, options);
    await caught();
  }
  expect(writes).toBe(before + 2);
}, 60_000);

test('what is no longer wanted goes, and what others added stays', async () => {
  await cluster.apply(configMapKind, configMap('shared', { ours: '1', outdated: '1' }), options);
  await api.kubectl(['patch', 'configmap', 'shared', '-p', '{"data":{"theirs":"1"}}']);
  await isCached('shared');
  await cluster.apply(configMapKind, configMap('shared', { ours: '1' }), options);
  expect((await isCached('shared')).data).toEqual({ ours: '1', theirs: '1' });
}, 60_000);

test('what the watch cannot see is looked for once, and again after somebody else was quicker to make it', async () => {
  const hidden = configMap('hidden', { by: 'somebody' });
  const before = reads;
  for (let turn = 0; turn < 5; turn++) {
    await expect(labelled.find(configMapKind, ref('hidden'), options)).resolves.toBeUndefined();
  }
  expect(reads).toBe(before + 1);

  await api.kubectl(['create', 'configmap', 'hidden', '--from-literal=by=somebody']);
  await expect(labelled.create(configMapKind, hidden, options)).resolves.toBe('overtaken');
  await expect(labelled.find(configMapKind, ref('hidden'), options)).resolves.toMatchObject({
    data: { by: 'somebody' },
  });
}, 60_000);

test('create leaves an object of that name as it is', async () => {
  await expect(cluster.create(configMapKind, configMap('made', { by: 'us' }), options)).resolves.toBe('done');
  await expect(cluster.create(configMapKind, configMap('made', { by: 'us again' }), options)).resolves.toBe(
    'overtaken',
  );
  expect((await isCached('made')).data).toEqual({ by: 'us' });
}, 60_000);

test('replace is refused when the object has changed since it was read', async () => {
  await cluster.create(configMapKind, configMap('versioned', { turn: '1' }), options);
  const read = await isCached('versioned');
  await cluster.replace(configMapKind, { ...read, data: { turn: '2' } } as ConfigMap, options);
  const outdated = cluster.replace(configMapKind, { ...read, data: { turn: '3' } } as ConfigMap, options);
  await expect(outdated).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
  expect((await isCached('versioned')).data).toEqual({ turn: '2' });
}, 60_000);

test('patch changes what it names, on the very object it was decided for, and minds nobody who is gone', async () => {
  await cluster.create(configMapKind, configMap('patched', { ours: '1', theirs: '1' }), options);
  const { metadata } = await isCached('patched');
  const patch = (uid: string, data: object): Promise<Performed> =>
    cluster.patch(configMapKind, { target: { ...ref('patched'), uid }, patch: { data } }, options);

  await expect(patch(metadata.uid ?? '', { ours: '2', gone: null })).resolves.toBe('done');
  await expect(patch('another', { theirs: '2' })).resolves.toBe('overtaken');
  await expect(cluster.read(configMapKind, ref('patched'), options)).resolves.toMatchObject({
    data: { ours: '2', theirs: '1' },
  });

  await api.kubectl(['delete', 'configmap', 'patched']);
  await expect(patch(metadata.uid ?? '', { ours: '3' })).resolves.toBe('overtaken');
  await expect(cluster.read(configMapKind, ref('patched'), options)).resolves.toBeUndefined();
}, 60_000);

test('delete takes the very object it was decided for, and no other of its name', async () => {
  await cluster.create(configMapKind, configMap('doomed', {}), options);
  const { metadata } = await isCached('doomed');
  await cluster.delete(configMapKind, { ...ref('doomed'), uid: 'another' }, options);
  await expect(cluster.read(configMapKind, ref('doomed'), options)).resolves.toBeDefined();

  await cluster.delete(configMapKind, { ...ref('doomed'), uid: metadata.uid ?? '' }, options);
  await expect(cluster.read(configMapKind, ref('doomed'), options)).resolves.toBeUndefined();
  await cluster.delete(configMapKind, { ...ref('doomed'), uid: metadata.uid ?? '' }, options);
}, 60_000);

test('of each write it is known whether anything was written: what is there already, or gone, is nobody’s doing now', async () => {
  const made = configMap('performed', { turn: '1' });
  const perform = (action: KubernetesAction): Promise<Performed> => performKubernetes(action, cluster, options);
  await expect(perform({ type: 'apply', kind: configMapKind, object: made })).resolves.toBe('done');
  const { metadata } = await isCached('performed');
  await expect(perform({ type: 'apply', kind: configMapKind, object: made })).resolves.toBe('overtaken');
  await expect(perform({ type: 'create', kind: configMapKind, object: made })).resolves.toBe('overtaken');

  const stale = { ...configMap('performed', { turn: '2' }), metadata: { ...metadata, resourceVersion: '1' } };
  // What was planned after it relies on it, so this one ends the pass.
  await expect(perform({ type: 'replace', kind: configMapKind, object: stale })).rejects.toMatchObject({ status: 409 });

  const removal = {
    type: 'delete',
    kind: configMapKind,
    target: { ...ref('performed'), uid: metadata.uid ?? '' },
  } as const;
  await expect(perform(removal)).resolves.toBe('done');
  await expect(perform(removal)).resolves.toBe('overtaken');
}, 60_000);

test('a field that does not exist is refused by its name', async () => {
  const misspelt = { ...configMap('typo', {}), dataa: {} };
  await expect(cluster.apply(configMapKind, misspelt, options)).rejects.toThrow(/dataa/);
}, 60_000);

test('a kind that nobody watches cannot be read from the cache', () => {
  expect(() => cluster.cached(serviceKind, ref('x'))).toThrow('Service is not watched');
  expect(() => cluster.cachedList(secretKind)).toThrow('Secret is not watched');
});
