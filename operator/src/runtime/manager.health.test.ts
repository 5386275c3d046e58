import { expect, test } from '@jest/globals';
import { ApiError } from './client.ts';
import type { ApiClient, ApiRequest } from './client.ts';
import { FakeClock } from './fake-clock.ts';
import { silent } from './log.ts';
import { CachesNotSynced, createManager } from './manager.ts';
import type { Manager } from './manager.ts';
import { createRuntimeMetrics } from './metrics.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { Outcome, Reconciler } from './reconciler.ts';
import { aWidget, widgetKind } from './testing/widget.ts';
import type { Widget } from './testing/widget.ts';

interface Lease {
  readonly spec: { readonly holderIdentity: string };
}

/** An API server with one Widget and one Lease, whose parts can be made to hang. */
class World {
  readonly clock: FakeClock = new FakeClock();
  readonly metrics: RuntimeMetrics = createRuntimeMetrics();
  readonly manager: Manager;
  readonly outcome: Promise<'finished' | 'lost'>;
  lease: Lease | undefined;
  /** Whatever is asked for under such a path gets no answer, and the request does not heed its signal. */
  hangs: RegExp | undefined;
  refuses: RegExp | undefined;
  private readonly stopping = new AbortController();

  constructor(reconciler: Reconciler<Widget>) {
    const client = this.client();
    this.manager = createManager({
      client,
      clock: this.clock,
      log: silent,
      metrics: this.metrics,
      fieldManager: 'test',
      hashAnnotation: 'example.com/hash',
      identity: 'p',
      leaderElection: { namespace: 'default', name: 'x', client },
    });
    this.manager.watch(widgetKind);
    this.manager.control({ name: 'w', kind: widgetKind, reconciler, finalizer: 'f', conditionTypes: ['Ready'] });
    this.outcome = this.manager.run(this.stopping.signal);
    // It is looked at later.
    this.outcome.catch(() => undefined);
  }

  get sick(): string | undefined {
    return this.manager.health.sick();
  }

  stop(): void {
    this.stopping.abort();
  }

  private client(): ApiClient {
    const answer = ({ path, method, body }: ApiRequest): unknown => {
      if (path.includes('/leases')) {
        if (method === 'GET' && !this.lease) throw new ApiError(path, 404, { reason: 'NotFound', message: 'none' });
        if (method !== 'GET') this.lease = body as Lease;
        return this.lease;
      }
      if (path.endsWith('/widgets')) {
        const metadata = { ...aWidget('a').metadata, resourceVersion: '1', uid: 'a' };
        return { metadata: { resourceVersion: '1' }, items: [{ ...aWidget('a'), metadata }] };
      }
      return {};
    };
    return {
      send: async <T>(request: ApiRequest) => {
        await Promise.resolve();
        if (this.hangs?.test(request.path)) return new Promise<T>(() => undefined);
        if (this.refuses?.test(request.path)) throw new Error('connection refused');
        return answer(request) as T;
      },
      stream: () => (this.hangs?.test('watch') ? new Promise(() => undefined) : Promise.reject(new Error('refused'))),
      close: () => Promise.resolve(),
    };
  }
}

const ready: Outcome = { conditions: [{ type: 'Ready', status: 'True', reason: 'Made', message: 'it stands' }] };
const quick: Reconciler<Widget> = { apply: () => Promise.resolve(ready) };
const endless: Reconciler<Widget> = { apply: () => new Promise(() => undefined) };

test('a process whose caches do not fill ends after two minutes, and names what was not listed', async () => {
  const world = new World(quick);
  world.refuses = /widgets/;
  await world.clock.advance(119_000);
  expect(world.manager.health.notReady()).toBe('not yet listed: widgets');
  expect(world.sick).toBeUndefined();
  await world.clock.advance(2_000);
  await expect(world.outcome).rejects.toThrow(CachesNotSynced);
  await expect(world.outcome).rejects.toThrow('not yet listed: widgets within 120 s');
  // It never led.
  expect(world.lease).toBeUndefined();
});

test('a process that has to stop gives back the lease as soon as its passes have ended', async () => {
  const world = new World(quick);
  await world.clock.advance(5_000);
  expect(world.lease?.spec.holderIdentity).toBe('p');
  world.stop();
  await world.clock.advance(100);
  await expect(world.outcome).resolves.toBe('finished');
  expect(world.lease?.spec.holderIdentity).toBe('');
});

test('a pass that does not stop is waited for at most 25 s, and its lease is left to run out', async () => {
  const world = new World(endless);
  await world.clock.advance(5_000);
  world.stop();
  await world.clock.advance(24_000);
  expect(world.manager.health.sick()).toBeUndefined();
  await world.clock.advance(2_000);
  await expect(world.outcome).rejects.toThrow('has not ended within 25 s');
  expect(world.lease?.spec.holderIdentity).toBe('p');
});

test('an API server that is away makes nobody sick: a restart would not bring it back', async () => {
  const world = new World(quick);
  await world.clock.advance(5_000);
  world.refuses = /widgets/;
  await world.clock.advance(3_600_000);
  expect(world.sick).toBeUndefined();
  world.stop();
  await world.clock.advance(1_000);
});

test('a watch that neither hears nor tries again makes the process sick after ten minutes', async () => {
  const world = new World(quick);
  await world.clock.advance(5_000);
  world.hangs = /widgets|watch/;
  await world.clock.advance(500_000);
  expect(world.sick).toBeUndefined();
  await world.clock.advance(200_000);
  expect(world.sick).toBe('watches neither hear nor try again: widgets');
  world.stop();
});

test('a leader whose lease is not renewed although it leads on is sick before another may have led for long', async () => {
  const world = new World(quick);
  await world.clock.advance(5_000);
  expect(world.sick).toBeUndefined();
  // The event loop comes back after half a minute: no timer had its turn meanwhile.
  world.clock.freeze(30_000);
  expect(world.sick).toMatch(/this process leads, but lease x was renewed \d+ s ago/);
  await world.clock.advance(1);
  await expect(world.outcome).resolves.toBe('lost');
  expect(world.sick).toBeUndefined();
});

test('watches and leadership have their series from the start', async () => {
  const world = new World(quick);
  await world.clock.advance(10);
  const text = await world.metrics.registry.metrics();
  for (const reason of ['closed', 'expired', 'broken', 'silent']) {
    expect(text).toMatch(new RegExp(`^watch_reconnects_total\\{kind="Widget",reason="${reason}"\\} \\d`, 'm'));
  }
  expect(text).toMatch(/^leader_election_master_status\{name="x"\} 1$/m);
  world.stop();
  await world.clock.advance(1_000);
});
