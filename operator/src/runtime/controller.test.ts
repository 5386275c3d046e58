import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ApiError } from './client.ts';
import type { ApiClient, ApiRequest } from './client.ts';
import { Controller } from './controller.ts';
import type { ControllerOptions } from './controller-options.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { silent } from './log.ts';
import { createRuntimeMetrics } from './metrics.ts';
import type { Mapping } from './mapping.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { Kind, KubernetesObject } from './objects.ts';
import { kindKey } from './paths.ts';
import { TerminalError } from './reconciler.ts';
import type { Outcome, Reconciler, ReportedEvent } from './reconciler.ts';
import { Store } from './store.ts';
import { WakeUps } from './wake-ups.ts';
import type { Refusal } from './watch-refusals.ts';
import { configMapKind } from './core-kinds.ts';
import { aWidget, widgetKind } from './testing/widget.ts';
import type { Widget } from './testing/widget.ts';

const ready = { type: 'Ready', status: 'True', reason: 'Made', message: 'it stands' } as const;

/** Objects that the test writes, and the statuses that the controller does; everything else needs a real API server. */
class World {
  readonly clock: FakeClock = new FakeClock();
  readonly widgets: Store<Widget> = new Store();
  readonly others: Store = new Store();
  readonly events: ReportedEvent[] = [];
  readonly statuses: Widget['status'][] = [];
  readonly lines: object[] = [];
  readonly metrics: RuntimeMetrics = createRuntimeMetrics();
  /** What the next status write is refused with. */
  refuse: number | undefined;
  /** Why the namespace of the widgets cannot be watched. */
  refusal: Refusal | undefined;
  /** What the API server has, where the watch has not reported it yet. */
  live: Widget | 'gone' | undefined;
  private version = 0;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(reconciler: Reconciler<Widget>, options: Partial<ControllerOptions<Widget>> = {}) {
    const stores = (kind: Kind): Store =>
      kindKey(kind) === kindKey(widgetKind) ? (this.widgets as unknown as Store) : this.others;
    const controller = new Controller<Widget>(
      { name: 'w', kind: widgetKind, finalizer: 'f', conditionTypes: ['Ready', 'Polished'], reconciler, ...options },
      {
        client: this.client(),
        clock: this.clock,
        log: {
          ...silent,
          warn: (fields) => void this.lines.push(fields),
          error: (fields) => void this.lines.push(fields),
        },
        events: { record: (_object, event) => void this.events.push(event) },
        metrics: this.metrics,
        fieldManager: 'test',
        refusalOf: () => this.refusal,
      },
      stores,
    );
    this.running = controller.run(this.stopping.signal);
  }

  write(name: string, size: number): void {
    const before = this.widgets.get({ namespace: 'default', name });
    const status = before?.status && { status: before.status };
    const metadata = { ...aWidget(name).metadata, uid: name, generation: size, resourceVersion: this.next() };
    this.widgets.set({ ...aWidget(name, size), ...status, metadata });
  }

  /** Somebody asked for its deletion; our finalizer holds it. */
  doom(name: string): void {
    const before = this.widgets.get({ namespace: 'default', name }) ?? aWidget(name);
    const metadata = { ...before.metadata, resourceVersion: this.next(), deletionTimestamp: 'now', finalizers: ['f'] };
    this.widgets.set({ ...before, metadata });
  }

  async value(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
    const found = await this.metrics.registry.getSingleMetric(name)?.get();
    return found?.values.find((each) => Object.entries(labels).every(([key, value]) => each.labels[key] === value))
      ?.value;
  }

  remove(name: string): void {
    const { metadata, ...rest } = aWidget(name);
    this.widgets.remove({ ...rest, metadata: { ...metadata, resourceVersion: this.next() } });
  }

  summaryOf(name: string): object | undefined {
    return this.widgets.get({ namespace: 'default', name })?.status?.conditions?.[0];
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await settle();
    await this.running;
  }

  private next(): string {
    this.version += 1;
    return String(this.version);
  }

  private client(): ApiClient {
    const send = ({ method, path, body }: ApiRequest): Promise<Widget> => {
      const refused = (code: number): Promise<Widget> =>
        Promise.reject(new ApiError(path, code, { reason: 'Tested', message: 'refused' }));
      if (method === 'GET') {
        const live = this.live ?? this.widgets.list()[0] ?? 'gone';
        return live === 'gone' ? refused(404) : Promise.resolve(live);
      }
      if (this.refuse !== undefined) return refused(this.refuse);
      const { metadata, status } = body as Widget;
      this.statuses.push(status);
      const stored = this.widgets.get(metadata);
      if (!stored) return refused(404);
      const version = { ...stored.metadata, resourceVersion: this.next() };
      return Promise.resolve({ ...stored, metadata: version, ...(status && { status }) });
    };
    return {
      send: <T>(request: ApiRequest) => send(request) as Promise<T>,
      stream: () => Promise.reject(new Error('not needed')),
      close: () => Promise.resolve(),
    };
  }
}

type Step =
  | { readonly write: [string, number] }
  | { readonly remove: string }
  | { readonly touch: string }
  | { readonly advance: number };
const name = fc.constantFrom('a', 'b', 'c');
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ write: fc.tuple(name, fc.integer({ min: 1, max: 9 })) }),
    fc.record({ remove: name }),
    fc.record({ touch: name }),
    fc.record({ advance: fc.integer({ min: 1, max: 3_000 }) }),
  ),
  { maxLength: 40 },
);

test('no object is looked at twice at once, and each status is of the last look, at the last state', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.array(fc.integer({ min: 0, max: 2_500 }), { minLength: 1 }),
      fc.boolean(),
      async (history, lengths, reportsLast) => {
        const underWay = new Set<string>();
        const seen = new Map<string, number>();
        let overlaps = 0;
        let passes = 0;
        const slow: Reconciler<Widget> = {
          async apply({ metadata, spec }): Promise<Outcome> {
            overlaps += underWay.has(metadata.name) ? 1 : 0;
            underWay.add(metadata.name);
            const length = lengths[passes++ % lengths.length] ?? 0;
            await new Promise<void>((resolve) => void world.clock.after(length, resolve));
            underWay.delete(metadata.name);
            // Every so often it goes wrong.
            if (length % 5 === 4) throw new Error('dropped it');
            seen.set(metadata.name, spec.size);
            return { conditions: [{ ...ready, message: `size ${spec.size}` }] };
          },
        };
        const keys = ({ metadata }: KubernetesObject): string[] => [`default/${metadata.name}`];
        const mappings = [{ kind: configMapKind, keys }];
        const world: World = new World(slow, { concurrency: 2, reportsLast, mappings });
        let touched = 0;
        for (const step of history) {
          if ('write' in step) world.write(...step.write);
          else if ('remove' in step) world.remove(step.remove);
          else if ('advance' in step) await world.clock.advance(step.advance);
          else {
            touched += 1;
            const metadata = { name: step.touch, namespace: 'default', resourceVersion: String(touched) };
            world.others.set({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
          }
        }
        lengths.fill(10);
        await world.clock.advance(300_000);
        expect(overlaps).toBe(0);
        for (const { metadata, spec } of world.widgets.list()) {
          expect(seen.get(metadata.name)).toBe(spec.size);
          expect(world.summaryOf(metadata.name)).toMatchObject({ message: `size ${spec.size}` });
        }
        await world.stop();
      },
    ),
    { numRuns: 150 },
  );
});

describe('where reports come last', () => {
  /** Each pass with the number of statuses that had been written when it began. */
  function noting(passes: string[], statuses: () => number): Reconciler<Widget> {
    return {
      apply({ metadata, spec }) {
        passes.push(`${metadata.name}${spec.size} after ${statuses()}`);
        return Promise.resolve({ conditions: [{ ...ready, message: `size ${spec.size}` }] });
      },
    };
  }

  test('every object that waits has had its pass before the first status is written', async () => {
    const passes: string[] = [];
    const world: World = new World(
      noting(passes, () => world.statuses.length),
      { concurrency: 1, reportsLast: true },
    );
    for (const name of ['a', 'b', 'c', 'd']) world.write(name, 1);
    await settle();
    expect(passes).toEqual(['a1 after 0', 'b1 after 0', 'c1 after 0', 'd1 after 0']);
    expect(world.statuses).toHaveLength(4);
    await world.stop();
  });

  test('a change overtakes the reports that wait, and what it leads to is the one report of its object', async () => {
    const passes: string[] = [];
    const inner = noting(passes, () => world.statuses.length);
    const world: World = new World(
      {
        apply(object, pass) {
          if (object.metadata.name === 'b' && object.spec.size === 1) world.write('a', 2);
          return inner.apply(object, pass);
        },
      },
      { concurrency: 1, reportsLast: true },
    );
    world.write('a', 1);
    world.write('b', 1);
    await settle();
    expect(passes).toEqual(['a1 after 0', 'b1 after 0', 'a2 after 0']);
    expect(world.statuses).toHaveLength(2);
    expect(world.summaryOf('a')).toMatchObject({ message: 'size 2' });
    await world.stop();
  });

  test('events of a pass are recorded even where a later pass reports in its place', async () => {
    const event = { type: 'Warning', reason: 'Chipped', message: 'a corner' } as const;
    const world: World = new World(
      {
        apply({ spec }) {
          if (spec.size === 1) world.write('a', 2);
          return Promise.resolve({ conditions: [ready], events: spec.size === 1 ? [event] : [] });
        },
      },
      { concurrency: 1, reportsLast: true },
    );
    world.write('a', 1);
    await settle();
    expect(world.events).toEqual([event]);
    expect(world.statuses).toHaveLength(1);
    await world.stop();
  });

  test('a pass that failed is reported and tried again like any other', async () => {
    let passes = 0;
    const world: World = new World(
      {
        apply() {
          passes += 1;
          return passes === 1 ? Promise.reject(new Error('no such thing')) : Promise.resolve({ conditions: [ready] });
        },
      },
      { concurrency: 1, reportsLast: true },
    );
    world.write('a', 1);
    await settle();
    expect(world.summaryOf('a')).toMatchObject({ reason: 'ReconcileFailed' });
    await world.clock.advance(100);
    expect(world.summaryOf('a')).toMatchObject({ reason: 'Made' });
    await world.stop();
  });

  test('a status that is refused is tried again, with a pass', async () => {
    const passes: string[] = [];
    const world: World = new World(
      noting(passes, () => world.statuses.length),
      { concurrency: 1, reportsLast: true },
    );
    world.refuse = 500;
    world.write('a', 1);
    await settle();
    world.refuse = undefined;
    await world.clock.advance(100);
    expect(passes).toHaveLength(2);
    expect(world.summaryOf('a')).toMatchObject({ reason: 'Made' });
    await world.stop();
  });
});

test('a first pass that fails is reported in the summary at once', async () => {
  const world = new World({ apply: () => Promise.reject(new Error('no such thing')) });
  world.write('a', 1);
  await world.clock.advance(10);
  expect(world.summaryOf('a')).toMatchObject({ status: 'Unknown', reason: 'ReconcileFailed' });
  expect(world.events).toMatchObject([{ type: 'Warning', reason: 'ReconcileFailed' }]);
  await world.stop();
});

test('conditions keep what was observed for two minutes of failures, then the summary is Unknown until a look succeeds', async () => {
  let fails = false;
  const world = new World({
    apply: ({ spec }) =>
      fails ? Promise.reject(new Error('no such thing')) : Promise.resolve({ conditions: [ready], status: spec }),
  });
  world.write('a', 1);
  await world.clock.advance(10);
  fails = true;
  world.write('a', 2);
  await world.clock.advance(100_000);
  expect(world.summaryOf('a')).toMatchObject({ status: 'True', observedGeneration: 1 });
  await world.clock.advance(90_000);
  expect(world.summaryOf('a')).toMatchObject({
    status: 'Unknown',
    reason: 'ReconcileFailed',
    message: expect.stringContaining('no such thing'),
  });
  fails = false;
  await world.clock.advance(61_000);
  expect(world.summaryOf('a')).toMatchObject({ status: 'True', observedGeneration: 2 });
  await world.stop();
});

test('what was observed before an action failed is reported, and the failure counts', async () => {
  const world = new World({
    apply: () => Promise.resolve({ conditions: [ready], failure: new Error('the action failed') }),
  });
  world.write('a', 1);
  await world.clock.advance(10);
  expect(world.summaryOf('a')).toMatchObject(ready);
  expect(world.events).toHaveLength(1);
  const before = world.statuses.length;
  await world.clock.advance(100_000);
  expect(world.statuses).toHaveLength(before);
  // From the third minute on the summary reports it, and does not change back and forth.
  await world.clock.advance(600_000);
  expect(world.summaryOf('a')).toMatchObject({ reason: 'ReconcileFailed' });
  expect(world.statuses).toHaveLength(before + 1);
  await world.stop();
});

test('a request that is refused for want of a right is reported in the summary after seconds, not minutes', async () => {
  const refusal = new ApiError('PATCH', 403, { reason: 'Forbidden', message: 'no' });
  const world = new World({ apply: () => Promise.resolve({ conditions: [ready], failure: refusal }) });
  world.write('a', 1);
  await world.clock.advance(4_000);
  expect(world.summaryOf('a')).toMatchObject(ready);
  await world.clock.advance(4_000);
  expect(world.summaryOf('a')).toMatchObject({ status: 'Unknown', reason: 'ReconcileFailed' });
  await world.stop();
});

test('what is refused as it is gets no pass and no second look until it changes', async () => {
  let passes = 0;
  const unfit = { ...ready, status: 'False', reason: 'SpecInvalid' } as const;
  const world = new World({
    refuse: ({ spec }) => (spec.size === 1 ? { conditions: [unfit] } : undefined),
    apply: () => {
      passes += 1;
      return Promise.resolve({ conditions: [ready] });
    },
  });
  world.write('a', 1);
  await world.clock.advance(600_000);
  expect(world.summaryOf('a')).toMatchObject(unfit);
  expect([passes, world.statuses.length]).toEqual([0, 1]);
  world.write('a', 2);
  await world.clock.advance(10);
  expect(world.summaryOf('a')).toMatchObject(ready);
  await world.stop();
});

test('failures are tried again ever less often, and at most a minute apart', async () => {
  const at: number[] = [];
  const world: World = new World({
    apply: () => {
      at.push(world.clock.now());
      return Promise.reject(new Error('no such thing'));
    },
  });
  world.write('a', 1);
  await world.clock.advance(600_000);
  const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  expect(pauses.slice(0, 4)).toEqual([100, 200, 400, 800]);
  expect(pauses.at(-1)).toBe(60_000);
  await world.stop();
});

test('being overtaken is silent; being overtaken without end is a failure', async () => {
  let conflicts = 3;
  const world = new World({
    apply: () => {
      if (conflicts-- > 0) throw new ApiError('PUT', 409, { reason: 'Conflict', message: 'modified' });
      return Promise.resolve({ conditions: [ready] });
    },
  });
  world.write('a', 1);
  await world.clock.advance(5_000);
  expect(world.events).toEqual([]);
  expect(world.summaryOf('a')).toMatchObject(ready);

  conflicts = Infinity;
  world.write('a', 2);
  await world.clock.advance(60_000);
  expect(world.events).not.toEqual([]);
  await world.stop();
});

test('an object that was deleted during its pass is no failure', async () => {
  const world: World = new World({
    apply: () => {
      world.remove('a');
      return Promise.resolve({ conditions: [ready] });
    },
  });
  world.write('a', 1);
  await world.clock.advance(60_000);
  expect(world.events).toEqual([]);
  expect(world.statuses).toHaveLength(1);
  await world.stop();
});

test('a status that could not be written is a failure of the pass', async () => {
  const world = new World({ apply: () => Promise.resolve({ conditions: [ready] }) });
  world.refuse = 403;
  world.write('a', 1);
  await world.clock.advance(1_000);
  expect(world.events[0]).toMatchObject({ reason: 'ReconcileFailed', message: expect.stringContaining('refused') });
  world.refuse = undefined;
  await world.clock.advance(60_000);
  expect(world.summaryOf('a')).toMatchObject(ready);
  await world.stop();
});

test('a pass that takes too long is aborted, and tried again', async () => {
  const world = new World({
    apply: (_widget, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      }),
  });
  world.write('a', 1);
  await world.clock.advance(61_000);
  expect(world.events[0]?.message).toContain('took longer than 60000 ms');
  await world.stop();
});

test('an object that a mapping chokes on keeps nobody else from hearing', async () => {
  let passes = 0;
  const chokes = {
    kind: configMapKind,
    keys: (): string[] => {
      throw new TypeError('spec is undefined');
    },
  };
  const hears = { kind: configMapKind, keys: (): string[] => ['default/a'] };
  const world = new World(
    {
      apply: () => {
        passes += 1;
        return Promise.resolve({ conditions: [ready] });
      },
    },
    { mappings: [chokes, hears] },
  );
  world.write('a', 1);
  await world.clock.advance(10);
  const before = passes;
  world.others.set({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', resourceVersion: '1' } });
  await world.clock.advance(10);
  expect(passes).toBe(before + 1);
  await world.stop();
});

test('a burst of changes with a settle time is one pass, which sees the last of them; other changes do not wait', async () => {
  const keys = (): string[] => ['default/a'];
  const settling = { kind: configMapKind, keys, settle: 1_000, when: ofName('copy') };
  const prompt = { kind: configMapKind, keys, when: ofName('own') };
  const seen: (string | undefined)[] = [];
  const lastOf = (): string | undefined =>
    world.others.get({ namespace: 'default', name: 'copy' })?.metadata.resourceVersion;
  const apply = (): Promise<Outcome> => {
    seen.push(lastOf());
    return Promise.resolve({ conditions: [ready] });
  };
  const world: World = new World({ apply }, { mappings: [settling, prompt] });
  let version = 0;
  const change = (name: string): void => {
    version += 1;
    const metadata = { name, namespace: 'default', resourceVersion: String(version) };
    world.others.set({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
  };
  world.write('a', 1);
  await world.clock.advance(10);
  seen.length = 0;

  for (let turn = 0; turn < 9; turn++) {
    change('copy');
    await world.clock.advance(100);
  }
  expect(seen).toEqual([]);
  await world.clock.advance(100);
  expect(seen).toEqual(['9']);
  change('copy');
  await world.clock.advance(999);
  expect(seen).toEqual(['9']);
  await world.clock.advance(1);
  expect(seen).toEqual(['9', '10']);

  change('own');
  await world.clock.advance(0);
  expect(seen).toEqual(['9', '10', '10']);
  await world.stop();
});

function ofName(name: string): NonNullable<Mapping['when']> {
  return ({ before, after }) => (after ?? before)?.metadata.name === name;
}

test('a wake-up brings a pass of an object that exists, and none of one that does not', async () => {
  const passes: string[] = [];
  const wakeUps = new WakeUps();
  const apply = ({ metadata }: Widget): Promise<Outcome> => {
    passes.push(metadata.name);
    return Promise.resolve({ conditions: [ready] });
  };
  const world = new World({ apply }, { wakeUps });
  world.write('a', 1);
  await world.clock.advance(10);
  wakeUps.wake('default/a');
  wakeUps.wake('default/gone');
  await world.clock.advance(10);
  expect(passes).toEqual(['a', 'a']);
  expect(await world.value('workqueue_adds_total')).toBe(2);
  await world.stop();
});

test('a plan that asks for a look in the past does not spin', async () => {
  let passes = 0;
  const world = new World({
    apply: (_widget, { now }) => {
      passes += 1;
      return Promise.resolve({ conditions: [ready], recheckAt: now - 1_000 });
    },
  });
  world.write('a', 1);
  await world.clock.advance(10_000);
  expect(passes).toBeLessThanOrEqual(101);
  await world.stop();
});

test('what no retry can mend is reported at once, counted, and tried again only when the object changes', async () => {
  let passes = 0;
  const world = new World({
    apply: ({ spec }) => {
      passes += 1;
      if (spec.size === 2) throw new TerminalError('size 2 is not made any more');
      return Promise.resolve({ conditions: [ready] });
    },
  });
  world.write('a', 1);
  await world.clock.advance(10);
  world.write('a', 2);
  await world.clock.advance(3_600_000);
  expect(passes).toBe(2);
  expect(world.summaryOf('a')).toMatchObject({
    status: 'Unknown',
    reason: 'ReconcileFailed',
    message: 'size 2 is not made any more; not tried again before it changes',
  });
  expect(await world.value('controller_runtime_terminal_reconcile_errors_total')).toBe(1);
  expect(await world.value('workqueue_retries_total')).toBe(0);
  world.write('a', 3);
  await world.clock.advance(10);
  expect(world.summaryOf('a')).toMatchObject(ready);
  await world.stop();
});

test.each([
  ['that is thrown', (): Promise<Outcome> => Promise.reject(new TypeError('x is undefined'))],
  // A report that cannot be written down: it refers to itself.
  [
    'in a report',
    (): Promise<Outcome> => {
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      return Promise.resolve({ conditions: [ready], status: circle });
    },
  ],
])('a mistake in the code %s ends its pass and nothing else, and is counted', async (_where, apply) => {
  const world = new World({
    apply: (widget) => (widget.metadata.name === 'a' ? apply() : Promise.resolve({ conditions: [ready] })),
  });
  world.write('a', 1);
  await world.clock.advance(10);
  world.write('b', 1);
  await world.clock.advance(10);
  expect(world.summaryOf('b')).toMatchObject(ready);
  expect(await world.value('controller_runtime_reconcile_panics_total')).toBe(1);
  expect(world.events).toMatchObject([{ reason: 'ReconcileFailed' }]);
  await world.stop();
});

test('a deletion is decided on the object as it is now, not as the watch last reported it', async () => {
  const seen: number[] = [];
  const world = new World({
    apply: () => Promise.resolve({ conditions: [ready] }),
    cleanup: ({ spec }) => {
      seen.push(spec.size);
      return Promise.resolve({ conditions: [], done: true });
    },
  });
  world.live = {
    ...aWidget('a', 7),
    metadata: { ...aWidget('a').metadata, uid: 'a', resourceVersion: '9', finalizers: ['f'] },
  };
  world.write('a', 1);
  world.doom('a');
  await world.clock.advance(10);
  expect(new Set(seen)).toEqual(new Set([7]));
  await world.stop();
});

test.each<[string, (world: World) => void]>([
  ['is gone by now', (world) => void (world.live = 'gone')],
  [
    'has its name by now',
    (world) => {
      const metadata = { ...aWidget('a').metadata, uid: 'another', resourceVersion: '9', finalizers: ['f'] };
      world.live = { ...aWidget('a', 7), metadata };
    },
  ],
])('nothing is cleaned up for an object that %s', async (_what, happen) => {
  let cleanups = 0;
  const world = new World({
    apply: () => Promise.resolve({ conditions: [ready] }),
    cleanup: () => {
      cleanups += 1;
      return Promise.resolve({ conditions: [], done: true });
    },
  });
  happen(world);
  world.write('a', 1);
  world.doom('a');
  await world.clock.advance(1_000);
  expect(cleanups).toBe(0);
  expect(world.events).toEqual([]);
  await world.stop();
});

test('each line of the log names controller, object and pass', async () => {
  const world = new World({ apply: () => Promise.reject(new Error('no such thing')) });
  world.write('a', 1);
  await world.clock.advance(200);
  const common = { controller: 'w', kind: 'Widget', namespace: 'default', name: 'a' };
  expect(world.lines).toMatchObject([
    { ...common, reconcileID: 'w-1' },
    { ...common, reconcileID: 'w-2' },
  ]);
  await world.stop();
});

test('every series is there from the start, with the names and labels that controller-runtime gives it', async () => {
  const world = new World({ apply: () => Promise.resolve({ conditions: [ready] }) });
  const controller = { controller: 'w' };
  const queue = { name: 'w', controller: 'w' };
  for (const result of ['success', 'error', 'requeue', 'requeue_after']) {
    expect(await world.value('controller_runtime_reconcile_total', { ...controller, result })).toBe(0);
  }
  for (const name of [
    'controller_runtime_reconcile_errors_total',
    'controller_runtime_terminal_reconcile_errors_total',
    'controller_runtime_reconcile_panics_total',
    'controller_runtime_reconcile_timeouts_total',
    'controller_runtime_reconcile_time_seconds',
    'controller_runtime_active_workers',
  ]) {
    expect([name, await world.value(name, controller)]).toEqual([name, 0]);
  }
  expect(await world.value('controller_runtime_max_concurrent_reconciles', controller)).toBe(4);
  for (const name of [
    'workqueue_depth',
    'workqueue_adds_total',
    'workqueue_retries_total',
    'workqueue_queue_duration_seconds',
    'workqueue_work_duration_seconds',
    'workqueue_unfinished_work_seconds',
    'workqueue_longest_running_processor_seconds',
  ]) {
    expect([name, await world.value(name, queue)]).toEqual([name, 0]);
  }
  await world.stop();
});

test('work that does not end shows in the metrics while it lasts', async () => {
  const world: World = new World({
    apply: () => new Promise((resolve) => void world.clock.after(40_000, () => resolve({ conditions: [ready] }))),
  });
  world.write('a', 1);
  await world.clock.advance(10_000);
  world.write('b', 1);
  await world.clock.advance(20_000);
  expect(await world.value('workqueue_unfinished_work_seconds')).toBe(50);
  expect(await world.value('workqueue_longest_running_processor_seconds')).toBe(30);
  await world.clock.advance(30_000);
  expect(await world.value('workqueue_unfinished_work_seconds')).toBe(0);
  await world.stop();
});

test('an object that is gone leaves no look that was due later, and no retry', async () => {
  const world = new World({
    apply: ({ metadata }, { now }) =>
      metadata.name === 'fails'
        ? Promise.reject(new Error('it fails'))
        : Promise.resolve({ conditions: [ready], recheckAt: now + 86_400_000 }),
  });
  for (const name of ['fails', 'is-due-tomorrow']) world.write(name, 1);
  await world.clock.advance(10_000);
  expect(world.clock.nextTimerIn()).toBeDefined();

  for (const name of ['fails', 'is-due-tomorrow']) world.remove(name);
  await world.clock.advance(0);
  expect(world.clock.nextTimerIn()).toBeUndefined();
  await world.stop();
});

test('what is in a namespace that cannot be watched gets no pass, and nobody tries again until it can be', async () => {
  let passes = 0;
  const world = new World({
    apply: () => {
      passes += 1;
      return Promise.resolve({ conditions: [ready] });
    },
  });
  world.refusal = { message: 'namespace default cannot be watched' };
  world.refuse = 403;
  world.write('a', 1);
  await world.clock.advance(3_600_000);
  expect(passes).toBe(0);
  expect(world.events).toMatchObject([{ type: 'Warning', reason: 'NamespaceNotWatched' }]);
  expect(world.lines).toEqual([]);

  world.refuse = undefined;
  world.write('a', 2);
  await world.clock.advance(0);
  expect(world.summaryOf('a')).toMatchObject({ status: 'Unknown', reason: 'NamespaceNotWatched' });

  world.refusal = undefined;
  world.write('a', 3);
  await world.clock.advance(0);
  expect(world.summaryOf('a')).toMatchObject({ status: 'True', reason: 'Made' });
  await world.stop();
});
