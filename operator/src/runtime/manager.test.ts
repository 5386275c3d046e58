import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { auditedRequests, startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { createApiClient } from './client.ts';
import { systemClock } from './clock.ts';
import type { Cluster } from './cluster.ts';
import { createManager } from './manager.ts';
import type { Manager } from './manager.ts';
import { createRuntimeMetrics } from './metrics.ts';
import { silent } from './log.ts';
import type { KubernetesObject } from './objects.ts';
import type { Reconciler } from './reconciler.ts';
import { eventually } from './testing/eventually.ts';
import { configMapKind } from './core-kinds.ts';
import { aWidget, installWidgets, widgetKind } from './testing/widget.ts';
import type { Widget } from './testing/widget.ts';

const auditLog = join(tmpdir(), `audit-${randomUUID()}.log`);
let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer({ auditLog });
  await installWidgets(api);
}, 120_000);

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

interface Running extends AsyncDisposable {
  readonly manager: Manager;
  readonly outcome: Promise<'finished' | 'lost'>;
}

type Make = (cluster: Cluster) => Reconciler<Widget>;

/** A manager with one controller over widgets, which owns ConfigMaps of the same name. */
function run(make: Make, options: { readonly lease?: string; readonly identity?: string } = {}): Running {
  const identity = options.identity ?? randomUUID();
  const client = createApiClient({ userAgent: `test ${identity}`, kubeconfig: api.kubeconfig });
  const manager = createManager({
    client,
    clock: systemClock,
    log: silent,
    metrics: createRuntimeMetrics(),
    fieldManager: 'runtime-test',
    hashAnnotation: 'example.com/applied-hash',
    identity,
    ...(options.lease !== undefined && { leaderElection: { namespace: 'default', name: options.lease } }),
  });
  manager.watch(widgetKind);
  manager.watch(configMapKind, { labelSelector: 'example.com/widget=yes' });
  manager.control({
    name: 'widgets',
    kind: widgetKind,
    reconciler: make(manager.cluster),
    finalizer: 'example.com/cleanup',
    conditionTypes: ['Ready', 'Polished'],
    installationField: 'operator',
    mappings: [{ kind: configMapKind, keys: ({ metadata }) => [`${metadata.namespace ?? ''}/${metadata.name}`] }],
  });
  const stop = new AbortController();
  const outcome = manager.run(stop.signal);
  return {
    manager,
    outcome,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await outcome;
      await client.close();
    },
  };
}

function configMapOf({ metadata, spec }: Widget): KubernetesObject & { data: Record<string, string> } {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: metadata.name, namespace: metadata.namespace ?? '', labels: { 'example.com/widget': 'yes' } },
    data: { size: String(spec.size) },
  };
}

const ready = { type: 'Ready', status: 'True', reason: 'Made', message: 'the ConfigMap stands' } as const;

const makesAConfigMap: Make = (cluster) => ({
  async apply(widget, { signal }) {
    await cluster.apply(configMapKind, configMapOf(widget), { signal });
    return { conditions: [ready], status: { size: widget.spec.size } };
  },
});

const create = (widget: Widget): Promise<string> => api.kubectl(['apply', '-f', '-'], JSON.stringify(widget));
const getWidget = async (name: string): Promise<Widget> =>
  JSON.parse(await api.kubectl(['get', 'widget', name, '-o', 'json'])) as Widget;
const sizeOf = (name: string): Promise<string> =>
  api.kubectl(['get', 'configmap', name, '-o', 'jsonpath={.data.size}']);

describe('a controller', () => {
  test('creates what the spec asks for, and updates it', async () => {
    await using _running = run(makesAConfigMap);
    await create(aWidget('follows', 1));
    await eventually(async () => {
      expect(await sizeOf('follows')).toBe('1');
    });
    await create(aWidget('follows', 2));
    await eventually(async () => {
      expect(await sizeOf('follows')).toBe('2');
      const { status } = await getWidget('follows');
      expect(status).toMatchObject({ size: 2, observedGeneration: 2 });
    });
  }, 60_000);

  test('reports every condition of the kind from the first pass on', async () => {
    await using _running = run(makesAConfigMap);
    await create(aWidget('reported'));
    await eventually(async () => {
      const { status } = await getWidget('reported');
      expect(status?.conditions).toMatchObject([
        { type: 'Ready', status: 'True', reason: 'Made', observedGeneration: 1 },
        { type: 'Polished', status: 'Unknown' },
      ]);
    });
  }, 60_000);

  test('undoes what somebody else changed or deleted', async () => {
    await using _running = run(makesAConfigMap);
    await create(aWidget('drifts', 3));
    await eventually(async () => {
      expect(await sizeOf('drifts')).toBe('3');
    });

    await api.kubectl(['patch', 'configmap', 'drifts', '-p', '{"data":{"size":"30"}}']);
    await eventually(async () => {
      expect(await sizeOf('drifts')).toBe('3');
    });
    await api.kubectl(['delete', 'configmap', 'drifts']);
    await eventually(async () => {
      expect(await sizeOf('drifts')).toBe('3');
    });
  }, 60_000);

  test('writes nothing when nothing differs, though it looks all the time', async () => {
    let passes = 0;
    const identity = randomUUID();
    const restless: Make = (cluster) => ({
      async apply(widget, pass) {
        if (widget.metadata.name === 'idle') passes += 1;
        return { ...(await makesAConfigMap(cluster).apply(widget, pass)), recheckAt: pass.now + 10 };
      },
    });
    await using _running = run(restless, { identity });
    await create(aWidget('idle'));
    await eventually(() => {
      expect(passes).toBeGreaterThan(20);
    });

    const requests = await auditedRequests(auditLog);
    const writes = requests.filter(
      ({ verb, userAgent, requestURI }) =>
        userAgent === `test ${identity}` &&
        verb !== 'get' &&
        verb !== 'list' &&
        verb !== 'watch' &&
        requestURI.includes('idle'),
    );
    // One ConfigMap and one status.
    expect(writes).toHaveLength(2);
  }, 60_000);

  test('sees what changed while the API server was away', async () => {
    await using running = run(makesAConfigMap);
    await create(aWidget('before'));
    await eventually(async () => {
      expect(await sizeOf('before')).toBe('1');
    });

    await api.crash();
    await api.restart();
    await create(aWidget('after'));
    await api.kubectl(['delete', 'widget', 'before']);

    await eventually(async () => {
      expect(await sizeOf('after')).toBe('1');
    });
    await eventually(() => {
      expect(running.manager.cluster.cached(widgetKind, { namespace: 'default', name: 'before' })).toBeUndefined();
    });
  }, 90_000);

  test('tries again after a failure, and reports it in an event', async () => {
    let attempts = 0;
    const clumsy: Make = (cluster) => ({
      async apply(widget, pass) {
        if (widget.metadata.name === 'clumsy' && ++attempts < 4) throw new Error('dropped it');
        return makesAConfigMap(cluster).apply(widget, pass);
      },
    });
    await using _running = run(clumsy);
    await create(aWidget('clumsy'));

    await eventually(async () => {
      expect(await sizeOf('clumsy')).toBe('1');
    });
    expect(attempts).toBeGreaterThanOrEqual(4);
    await eventually(async () => {
      const events = await api.kubectl(['get', 'events', '-o', 'jsonpath={.items[*].message}']);
      expect(events).toContain('dropped it');
    });
  }, 60_000);

  test('keeps a deleted object until its cleanup is done, and not longer', async () => {
    let mayGo = false;
    const careful: Make = (cluster) => ({
      ...makesAConfigMap(cluster),
      cleanup: (_widget, { now }) =>
        Promise.resolve({
          conditions: [{ ...ready, status: 'False', reason: 'Leaving', message: 'still tidying up' }],
          done: mayGo,
          recheckAt: now + 20,
        }),
    });
    await using _running = run(careful);
    await create(aWidget('leaves'));
    await eventually(async () => {
      expect((await getWidget('leaves')).metadata.finalizers).toEqual(['example.com/cleanup']);
    });

    await api.kubectl(['delete', 'widget', 'leaves', '--wait=false']);
    await eventually(async () => {
      expect((await getWidget('leaves')).status?.conditions).toMatchObject([{ reason: 'Leaving' }, {}]);
    });
    mayGo = true;
    await eventually(async () => {
      expect(await api.kubectl(['get', 'widget', 'leaves', '--ignore-not-found', '-o', 'name'])).toBe('');
    });
    // So that the other tests' managers can let go of the widgets that this one put its finalizer on.
    await api.kubectl(['delete', 'widget', '--all']);
  }, 60_000);
});

test('two installations that watch the same objects both report it on them', async () => {
  await using _one = run(makesAConfigMap, { lease: 'one' });
  await create(aWidget('shared'));
  await eventually(async () => {
    expect((await getWidget('shared')).status).toMatchObject({ operator: 'default/one' });
  });
  await using _other = run(makesAConfigMap, { lease: 'other' });
  await eventually(async () => {
    const regarding = ['--field-selector', 'reason=OverlappingInstallation,regarding.name=shared'];
    const events = await api.kubectl(['get', 'events.events.k8s.io', ...regarding, '-o', 'jsonpath={.items[*].note}']);
    expect(events).toContain('default/one and default/other');
    expect(events).toContain('default/other and default/one');
  });
}, 60_000);

describe('leader election', () => {
  test('one of two managers leads; the other takes over when the first ends', async () => {
    const leaders = new Set<string>();
    const named =
      (name: string): Make =>
      (cluster) => ({
        apply: (widget, pass) => {
          leaders.add(name);
          return makesAConfigMap(cluster).apply(widget, pass);
        },
      });
    const first = run(named('first'), { lease: 'takeover', identity: 'first' });
    await create(aWidget('led'));
    await eventually(() => {
      expect([...leaders]).toEqual(['first']);
    });
    await using _second = run(named('second'), { lease: 'takeover', identity: 'second' });
    await create(aWidget('led', 2));
    await eventually(async () => {
      expect(await sizeOf('led')).toBe('2');
    });
    expect([...leaders]).toEqual(['first']);

    await first[Symbol.asyncDispose]();
    await eventually(() => {
      expect([...leaders]).toEqual(['first', 'second']);
    });
  }, 60_000);
});
