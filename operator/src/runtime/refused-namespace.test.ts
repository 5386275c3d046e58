import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { createApiClient } from './client.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { configMapKind, namespaceKind } from './core-kinds.ts';
import { silent } from './log.ts';
import { createManager } from './manager.ts';
import type { Manager } from './manager.ts';
import { createRuntimeMetrics } from './metrics.ts';
import { eventually } from './testing/eventually.ts';
import { aWidget, installWidgets, widgetKind } from './testing/widget.ts';
import type { Widget } from './testing/widget.ts';

/** A second lasts 50 ms, so that the pauses of watches fit into a test. */
const hurried: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * 20,
  after: (delay, callback) => systemClock.after(delay / 20, callback),
  random: () => systemClock.random(),
};

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer();
  await installWidgets(api);
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'operator' } });
  await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'operator', namespace: 'operator' } });
  // About its own pod, in its own namespace.
  const events = ['--verb=create', '--resource=events.events.k8s.io'];
  await api.kubectl(['-n', 'operator', 'create', 'role', 'events', ...events]);
  const binding = ['--role=events', '--serviceaccount=operator:operator'];
  await api.kubectl(['-n', 'operator', 'create', 'rolebinding', 'events', ...binding]);
}, 120_000);

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const apply = (object: object): Promise<string> => api.kubectl(['apply', '-f', '-'], JSON.stringify(object));

/** As the chart does for each listed namespace: a Role inside it is all that the account has. */
async function grant(namespace: string): Promise<void> {
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'operator', namespace } };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const rules = [
    { apiGroups: ['*'], resources: ['widgets', 'widgets/status', 'configmaps', 'events'], verbs: ['*'] },
    { apiGroups: [''], resources: ['namespaces'], resourceNames: [namespace], verbs: ['get', 'watch'] },
  ];
  await apply({ ...rbac, kind: 'Role', rules });
  const subjects = [{ kind: 'ServiceAccount', name: 'operator', namespace: 'operator' }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'operator' };
  await apply({ ...rbac, kind: 'RoleBinding', roleRef, subjects });
}

interface Running extends AsyncDisposable {
  readonly manager: Manager;
  readonly passes: string[];
  readonly metrics: () => Promise<string>;
}

async function run(namespaces: readonly string[]): Promise<Running> {
  const client = createApiClient({
    userAgent: 'test',
    kubeconfig: await api.kubeconfigOf('operator', 'operator'),
    clock: hurried,
  });
  const metrics = createRuntimeMetrics();
  const manager = createManager({
    client,
    clock: hurried,
    log: silent,
    metrics,
    fieldManager: 'test',
    hashAnnotation: 'example.com/applied-hash',
    identity: 'test',
    pod: { namespace: 'operator', name: 'operator-1' },
    namespaces,
  });
  manager.watch(widgetKind);
  manager.watch(configMapKind);
  manager.watch(namespaceKind);
  const passes: string[] = [];
  manager.control({
    name: 'widgets',
    kind: widgetKind,
    reconciler: {
      apply: ({ metadata }) => {
        passes.push(metadata.name);
        const message = 'it is made';
        return Promise.resolve({ conditions: [{ type: 'Ready', status: 'True', reason: 'Made', message }] });
      },
    },
    finalizer: 'example.com/cleanup',
    conditionTypes: ['Ready'],
  });
  const stop = new AbortController();
  const outcome = manager.run(stop.signal);
  return {
    manager,
    passes,
    metrics: () => metrics.registry.metrics(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await outcome;
      await client.close();
    },
  };
}

const createIn = (namespace: string, name: string): Promise<string> => {
  const widget = aWidget(name);
  return apply({ ...widget, metadata: { ...widget.metadata, namespace } });
};

async function summaryOf(namespace: string, name: string): Promise<object | undefined> {
  const widget = JSON.parse(await api.kubectl(['-n', namespace, 'get', 'widget', name, '-o', 'json'])) as Widget;
  return widget.status?.conditions?.[0];
}

test('a listed namespace that does not exist keeps no other from being reconciled, and is watched when it appears', async () => {
  await grant('here');
  await createIn('here', 'first');
  await using running = await run(['gone', 'here']);
  const { cluster, health } = running.manager;

  await eventually(() => {
    expect(running.passes).toContain('first');
  });
  expect(health.notReady()).toBeUndefined();
  expect(cluster.watches('gone')).toBe('refused');
  expect(cluster.watches('here')).toBe('watched');
  expect(cluster.watches('elsewhere')).toBe('not-listed');
  expect(cluster.refusedNamespaces()).toEqual(['gone']);
  const before = await running.metrics();
  expect(before).toContain('watch_namespace_refused{watch_namespace="gone"} 1');
  expect(before).toContain('watch_namespace_refused{watch_namespace="here"} 0');

  await eventually(async () => {
    const events = await api.kubectl(['-n', 'operator', 'get', 'events', '-o', 'jsonpath={.items[*].message}']);
    expect(events).toContain('namespace gone cannot be watched');
  });

  await grant('gone');
  await createIn('gone', 'second');
  await eventually(() => {
    expect(running.passes).toContain('second');
  });
  expect(cluster.watches('gone')).toBe('watched');
  expect(await running.metrics()).toContain('watch_namespace_refused{watch_namespace="gone"} 0');
}, 90_000);

test('objects in a namespace that can no longer be watched have a condition and get no pass, and get one when it can', async () => {
  await grant('revoked');
  await createIn('revoked', 'known');
  await using running = await run(['here', 'revoked']);
  await eventually(async () => expect(await summaryOf('revoked', 'known')).toMatchObject({ reason: 'Made' }));

  // Widgets and events may still be written, but ConfigMaps no longer watched.
  const rules = [{ apiGroups: ['*'], resources: ['widgets', 'widgets/status', 'events'], verbs: ['*'] }];
  await api.kubectl(['-n', 'revoked', 'patch', 'role', 'operator', '--type=merge', '-p', JSON.stringify({ rules })]);
  await api.crash();
  await api.restart();
  await eventually(async () =>
    expect(await summaryOf('revoked', 'known')).toMatchObject({
      status: 'Unknown',
      reason: 'NamespaceNotWatched',
      message: expect.stringContaining('namespace revoked cannot be watched'),
    }),
  );
  const passes = running.passes.filter((name) => name === 'known').length;
  const change = JSON.stringify({ spec: { size: 2 } });
  await api.kubectl(['-n', 'revoked', 'patch', 'widget', 'known', '--type=merge', '-p', change]);
  await eventually(async () =>
    expect(await summaryOf('revoked', 'known')).toMatchObject({ observedGeneration: 2, reason: 'NamespaceNotWatched' }),
  );
  expect(running.passes.filter((name) => name === 'known')).toHaveLength(passes);

  await grant('revoked');
  await eventually(async () => expect(await summaryOf('revoked', 'known')).toMatchObject({ reason: 'Made' }));
}, 90_000);

test('each watch has a time of its own at which it last heard, so that one that is deaf is seen beside one that hears', async () => {
  await grant('here');
  await using running = await run(['gone-for-good', 'here']);
  await eventually(async () => {
    const text = await running.metrics();
    expect(text).toMatch(/^watch_last_event_timestamp_seconds\{kind="Widget",watch_namespace="here"\} \d/m);
    expect(text).toMatch(/^watch_last_event_timestamp_seconds\{kind="Namespace",watch_namespace="here"\} \d/m);
  });
  expect(await running.metrics()).not.toContain(
    'watch_last_event_timestamp_seconds{kind="Widget",watch_namespace="gone-for-good"}',
  );
}, 90_000);
