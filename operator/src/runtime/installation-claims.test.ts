import { afterEach, expect, test } from '@jest/globals';
import type { ApiClient, ApiRequest } from './client.ts';
import { Controller } from './controller.ts';
import { FakeClock } from './fake-clock.ts';
import { silent } from './log.ts';
import { createRuntimeMetrics } from './metrics.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { ReportedEvent } from './reconciler.ts';
import { Store } from './store.ts';
import { aWidget, widgetKind } from './testing/widget.ts';
import type { Widget } from './testing/widget.ts';

interface Installation {
  readonly name: string;
  readonly store: Store<Widget>;
  readonly events: ReportedEvent[];
  readonly lines: string[];
  readonly metrics: RuntimeMetrics;
  readonly stop: () => void;
  writes: number;
}

/** One API server, and as many installations as somebody made. */
class Cluster {
  readonly clock: FakeClock = new FakeClock();
  private readonly installations: Installation[] = [];
  private readonly widgets: Map<string, Widget> = new Map();
  private version = 0;

  install(name: string): Installation {
    const stopping = new AbortController();
    const store = new Store<Widget>();
    const installation: Installation = {
      name,
      store,
      events: [],
      lines: [],
      metrics: createRuntimeMetrics(),
      writes: 0,
      stop: () => {
        stopping.abort();
        this.installations.splice(this.installations.indexOf(installation), 1);
      },
    };
    for (const widget of this.widgets.values()) store.set(widget);
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Made', message: 'it is made' }] as const;
    const controller = new Controller<Widget>(
      {
        name: 'w',
        kind: widgetKind,
        finalizer: 'f',
        conditionTypes: ['Ready'],
        installationField: 'operator',
        reconciler: { apply: () => Promise.resolve({ conditions }) },
      },
      {
        client: this.clientOf(installation),
        clock: this.clock,
        log: { ...silent, error: (_fields, line) => void installation.lines.push(line) },
        events: { record: (_object, event) => void installation.events.push(event) },
        metrics: installation.metrics,
        fieldManager: 'test',
        installation: name,
        refusalOf: () => undefined,
      },
      () => store as unknown as Store,
    );
    this.installations.push(installation);
    void controller.run(stopping.signal);
    return installation;
  }

  create(name: string): void {
    const { metadata, ...rest } = aWidget(name);
    this.store({ ...rest, metadata: { ...metadata, uid: name } });
  }

  private clientOf(installation: Installation): ApiClient {
    const send = async ({ body }: ApiRequest): Promise<unknown> => {
      await Promise.resolve();
      const { metadata, status } = body as Widget;
      const stored = this.widgets.get(metadata.name);
      if (!stored) throw new Error('it is gone');
      installation.writes += 1;
      return this.store({ ...stored, ...(status && { status }) });
    };
    return {
      send: <T>(request: ApiRequest) => send(request) as Promise<T>,
      stream: () => Promise.reject(new Error('not needed')),
      close: () => Promise.resolve(),
    };
  }

  private store(widget: Widget): Widget {
    this.version += 1;
    const stored = { ...widget, metadata: { ...widget.metadata, resourceVersion: String(this.version) } };
    this.widgets.set(widget.metadata.name, stored);
    for (const { store } of this.installations) store.set(stored);
    return stored;
  }
}

async function overlapsOf({ metrics }: Installation): Promise<readonly object[]> {
  const metric = await metrics.registry.getSingleMetric('controller_overlapping_installation')?.get();
  return metric?.values.map(({ labels }) => labels) ?? [];
}

const installed: Installation[] = [];
afterEach(() => {
  for (const { stop } of installed.splice(0)) stop();
});

test('two installations that reconcile the same object both report it, in an event, a metric and the log', async () => {
  const cluster = new Cluster();
  const a = cluster.install('a/operator');
  cluster.create('widget');
  await cluster.clock.advance(1_000);
  const b = cluster.install('b/operator');
  await cluster.clock.advance(1_000);

  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const message: unknown = expect.stringContaining(`${one.name} and ${other.name}`);
    expect(one.events).toContainEqual({ type: 'Warning', reason: 'OverlappingInstallation', message });
    expect(one.lines).toEqual([message]);
    const labels = { controller: 'w', object_namespace: 'default', installation: other.name };
    expect(await overlapsOf(one)).toEqual([labels]);
  }
  installed.push(a, b);
});

test('they keep reporting it for as long as both are there, with a handful of writes in ten minutes', async () => {
  const cluster = new Cluster();
  const a = cluster.install('a/operator');
  cluster.create('widget');
  const b = cluster.install('b/operator');
  await cluster.clock.advance(1_000);
  const before = a.writes + b.writes;
  for (let hour = 0; hour < 6; hour++) {
    await cluster.clock.advance(600_000);
    expect(await overlapsOf(a)).toHaveLength(1);
    expect(await overlapsOf(b)).toHaveLength(1);
  }
  expect(a.writes + b.writes - before).toBeLessThanOrEqual(6 * 4);
  installed.push(a, b);
});

test('when one of them is uninstalled the other stops reporting it, and writes nothing more', async () => {
  const cluster = new Cluster();
  const a = cluster.install('a/operator');
  cluster.create('widget');
  const b = cluster.install('b/operator');
  await cluster.clock.advance(1_000);
  b.stop();
  await cluster.clock.advance(1_800_000);
  expect(await overlapsOf(a)).toEqual([]);

  const { writes } = a;
  await cluster.clock.advance(86_400_000);
  expect(a.writes).toBe(writes);
  installed.push(a);
});

test('an installation that takes over from another reports nothing, and makes one write', async () => {
  const cluster = new Cluster();
  const a = cluster.install('a/operator');
  cluster.create('widget');
  await cluster.clock.advance(1_000);
  expect(a.writes).toBe(1);
  a.stop();
  const b = cluster.install('b/operator');
  await cluster.clock.advance(86_400_000);
  expect(b.events).toEqual([]);
  expect(await overlapsOf(b)).toEqual([]);
  expect(b.writes).toBe(1);
  installed.push(b);
});

test('replicas of one installation are no second installation', async () => {
  const cluster = new Cluster();
  const a = cluster.install('a/operator');
  cluster.create('widget');
  const second = cluster.install('a/operator');
  await cluster.clock.advance(3_600_000);
  expect([...a.events, ...second.events]).toEqual([]);
  installed.push(a, second);
});
