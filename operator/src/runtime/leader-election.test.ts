import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ApiError } from './client.ts';
import type { ApiClient, ApiRequest } from './client.ts';
import type { Clock } from './clock.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { LEASE, WorkGoesOn, runAsLeader } from './leader-election.ts';
import { silent } from './log.ts';

interface Lease {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: { readonly holderIdentity: string };
}

/** How long a request and its answer are under way. */
interface Latency {
  readonly there: number;
  readonly back: number;
}

/** The API server's part in it: one Lease with optimistic locking, and a network that is slow or cut for each process. */
class LeaseServer {
  private readonly clock: FakeClock;
  private lease: Lease | undefined;
  private version = 0;
  private readonly cut = new Set<string>();
  private readonly losing = new Set<string>();
  private readonly latencies = new Map<string, Latency>();

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  cutOff(identity: string, isCut: boolean): void {
    if (isCut) this.cut.add(identity);
    else this.cut.delete(identity);
  }

  slow(identity: string, latency: Latency): void {
    this.latencies.set(identity, latency);
  }

  /** The next request gets lost on its way. */
  loseNext(identity: string): void {
    this.losing.add(identity);
  }

  /** Requests that reached it. */
  readonly requests: string[] = [];

  get holder(): string | undefined {
    return this.lease?.spec.holderIdentity;
  }

  clientOf(identity: string): ApiClient {
    const send = async (request: ApiRequest): Promise<Lease> => {
      if (this.cut.has(identity)) throw new Error('connection refused');
      if (this.losing.delete(identity)) return new Promise(() => undefined);
      const { there, back } = this.latencies.get(identity) ?? { there: 0, back: 0 };
      await this.pause(there);
      const answer = await this.answer(request);
      await this.pause(back);
      return answer;
    };
    return {
      // A request that its sender has given up arrives all the same.
      send: <T>(request: ApiRequest) =>
        new Promise<T>((resolve, reject) => {
          const { signal } = request;
          const gaveUp = (): void => reject(signal.reason as Error);
          if (signal.aborted) gaveUp();
          signal.addEventListener('abort', gaveUp, { once: true });
          send(request).then((lease) => resolve(lease as T), reject);
        }),
      stream: () => Promise.reject(new Error('not needed')),
      close: () => Promise.resolve(),
    };
  }

  private pause(delay: number): Promise<void> {
    return delay === 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.clock.after(delay, resolve);
        });
  }

  private answer({ method, body }: ApiRequest): Promise<Lease> {
    this.requests.push(method);
    const refuse = (status: number): Promise<Lease> =>
      Promise.reject(new ApiError(method, status, { reason: 'Tested', message: String(status) }));
    if (method === 'GET') return this.lease ? Promise.resolve(this.lease) : refuse(404);
    if (method === 'POST' && this.lease) return refuse(409);
    const sent = body as Lease;
    if (method === 'PUT' && sent.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) return refuse(409);
    this.version += 1;
    this.lease = { ...sent, metadata: { ...sent.metadata, resourceVersion: String(this.version) } };
    return Promise.resolve(this.lease);
  }
}

/** A wall clock that is wrong by a while: only monotonic time may count. */
function skewed(clock: FakeClock, skew: number): Clock {
  return {
    now: () => clock.now() + skew,
    monotonic: () => clock.monotonic(),
    after: (delay, callback) => clock.after(delay, callback),
    random: () => clock.random(),
  };
}

type Step =
  | { readonly advance: number }
  | { readonly cut: number }
  | { readonly mend: number }
  | { readonly slow: number; readonly latency: Latency };

const someone = fc.integer({ min: 0, max: 2 });
const delay = fc.integer({ min: 0, max: 20_000 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ advance: fc.integer({ min: 100, max: 20_000 }) }),
    fc.record({ cut: someone }),
    fc.record({ mend: someone }),
    fc.record({ slow: someone, latency: fc.record({ there: delay, back: delay }) }),
  ),
  { maxLength: 25 },
);

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

test('whatever happens to networks and wall clocks, no two processes lead at the same time', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.array(fc.integer({ min: -3_600_000, max: 3_600_000 }), { minLength: 3, maxLength: 3 }),
      async (history, skews) => {
        const clock = new FakeClock();
        const server = new LeaseServer(clock);
        const leading = new Set<number>();
        let overlaps = 0;
        const stop = new AbortController();
        skews.forEach((skew, index) => {
          const identity = `p${index}`;
          const options = {
            client: server.clientOf(identity),
            clock: skewed(clock, skew),
            log: silent,
            namespace: 'x',
            name: 'y',
            identity,
          };
          void runAsLeader(options, stop.signal, async (signal) => {
            leading.add(index);
            overlaps += leading.size > 1 ? 1 : 0;
            await untilAborted(signal);
            leading.delete(index);
          });
        });
        for (const step of history) {
          if ('advance' in step) await clock.advance(step.advance);
          else if ('cut' in step) server.cutOff(`p${step.cut}`, true);
          else if ('mend' in step) server.cutOff(`p${step.mend}`, false);
          else server.slow(`p${step.slow}`, step.latency);
        }
        stop.abort();
        await settle();
        expect(overlaps).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

test('an answer that came too late makes no leader', async () => {
  const clock = new FakeClock();
  const server = new LeaseServer(clock);
  server.slow('first', { there: 0, back: 14_000 });
  const leading = new Set<string>();
  const stop = new AbortController();
  for (const identity of ['first', 'second']) {
    const options = { client: server.clientOf(identity), clock, log: silent, namespace: 'x', name: 'y', identity };
    void runAsLeader(options, stop.signal, async (signal) => {
      leading.add(identity);
      await untilAborted(signal);
      leading.delete(identity);
    });
  }
  for (let second = 0; second < 60; second++) {
    await clock.advance(1_000);
    expect(leading.size).toBeLessThanOrEqual(1);
  }
  stop.abort();
  await settle();
});

test('a leader that has to stop keeps the lease until its work has ended, and then gives it back', async () => {
  const clock = new FakeClock();
  const server = new LeaseServer(clock);
  const stop = new AbortController();
  const options = { clock, log: silent, namespace: 'x', name: 'y' };
  let endWork = (): void => undefined;
  const first = runAsLeader(
    { ...options, client: server.clientOf('first'), identity: 'first' },
    stop.signal,
    () =>
      new Promise((resolve) => {
        endWork = resolve;
      }),
  );
  await clock.advance(3_000);
  const led: string[] = [];
  const stopSecond = new AbortController();
  void runAsLeader(
    { ...options, client: server.clientOf('second'), identity: 'second' },
    stopSecond.signal,
    async (signal) => {
      led.push('second');
      await untilAborted(signal);
    },
  );

  stop.abort();
  await clock.advance(60_000);
  expect(led).toEqual([]);

  endWork();
  expect(await first).toBe('finished');
  expect(server.holder).toBe('');
  await clock.advance(3_000);
  expect(led).toEqual(['second']);
  stopSecond.abort();
  await settle();
});

test('work that throws gives the lease back as well', async () => {
  const clock = new FakeClock();
  const server = new LeaseServer(clock);
  const options = { client: server.clientOf('p'), clock, log: silent, namespace: 'x', name: 'y', identity: 'p' };
  const failing = runAsLeader(options, new AbortController().signal, () => Promise.reject(new Error('broke')));
  await expect(failing).rejects.toThrow('broke');
  expect(server.holder).toBe('');
});

test('whenever a leader dies, another leads within 15 s', async () => {
  const millis = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
  const history = fc.record({
    diesAt: fc.integer({ min: 1, max: 20_000 }),
    begins: fc.array(millis(2_500), { minLength: 1, maxLength: 2 }),
    latencies: fc.array(fc.record({ there: millis(200), back: millis(200) }), { minLength: 3, maxLength: 3 }),
    jitter: fc.infiniteStream(fc.double({ min: 0, max: 0.99, noNaN: true })),
  });
  await fc.assert(
    fc.asyncProperty(history, async ({ diesAt, begins, latencies, jitter }) => {
      const clock = new FakeClock(0, () => jitter.next().value as number);
      const server = new LeaseServer(clock);
      const led: string[] = [];
      const stop = new AbortController();
      const start = (identity: string): void => {
        const options = {
          client: server.clientOf(identity),
          clock,
          log: silent,
          namespace: 'x',
          name: 'y',
          identity,
        };
        void runAsLeader(options, stop.signal, async (signal) => {
          led.push(identity);
          await untilAborted(signal);
        });
      };
      latencies.forEach((of, index) => server.slow(`p${index}`, of));
      start('p0');
      await clock.advance(1_000);
      expect(led).toEqual(['p0']);
      for (const [index, begin] of begins.entries()) {
        await clock.advance(begin);
        start(`p${index + 1}`);
      }
      await clock.advance(diesAt);

      server.cutOff('p0', true);
      await clock.advance(15_000);
      stop.abort();
      await clock.advance(1_000);
      expect(led).toHaveLength(2);
    }),
    { numRuns: 60 },
  );
});

test.each([
  ['answers every request only after 3.5 s', (server: LeaseServer) => server.slow('p', { there: 1_500, back: 2_000 })],
  ['leaves one request without an answer', (server: LeaseServer) => server.loseNext('p')],
])('an API server that %s costs no leadership', async (_, disturb) => {
  const clock = new FakeClock();
  const server = new LeaseServer(clock);
  const stop = new AbortController();
  const options = { client: server.clientOf('p'), clock, log: silent, namespace: 'x', name: 'y', identity: 'p' };
  let hasLost = false;
  void runAsLeader(options, stop.signal, async (signal) => {
    await untilAborted(signal);
    hasLost = !stop.signal.aborted;
  });
  await clock.advance(3_000);
  disturb(server);
  await clock.advance(60_000);
  expect(hasLost).toBe(false);
  stop.abort();
  await settle();
});

test('a leader renews with one request, and looks again only after one that failed', async () => {
  const clock = new FakeClock();
  const server = new LeaseServer(clock);
  const stop = new AbortController();
  const options = { client: server.clientOf('p'), clock, log: silent, namespace: 'x', name: 'y', identity: 'p' };
  void runAsLeader(options, stop.signal, untilAborted);
  await clock.advance(1_000);
  server.requests.length = 0;
  await clock.advance(6_000);
  expect(server.requests).toEqual(['PUT', 'PUT', 'PUT']);

  server.cutOff('p', true);
  await clock.advance(2_000);
  server.cutOff('p', false);
  await clock.advance(4_000);
  expect(server.requests).toEqual(['PUT', 'PUT', 'PUT', 'GET', 'PUT', 'PUT']);
  stop.abort();
  await settle();
});

test('work that does not stop when the lease is lost is not waited for: the process ends before another leads', async () => {
  const clock = new FakeClock();
  const server = new LeaseServer(clock);
  const options = { client: server.clientOf('p'), clock, log: silent, namespace: 'x', name: 'y', identity: 'p' };
  const forEver = new Promise<void>(() => undefined);
  let endedAt: number | undefined;
  void runAsLeader(options, new AbortController().signal, () => forEver).then((outcome) => {
    expect(outcome).toBe('lost');
    endedAt = clock.monotonic();
  });
  await clock.advance(3_000);
  const cutAt = clock.monotonic();
  server.cutOff('p', true);
  await clock.advance(60_000);
  // So long after the last renewal another may lead; for its last words the process has a second, and another is to spare.
  expect((endedAt ?? Infinity) - cutAt).toBeLessThanOrEqual(LEASE - 2_000);
});

test('work that does not stop keeps the lease until it expires', async () => {
  const clock = new FakeClock();
  const server = new LeaseServer(clock);
  const options = { client: server.clientOf('p'), clock, log: silent, namespace: 'x', name: 'y', identity: 'p' };
  const stubborn = runAsLeader(options, new AbortController().signal, () => Promise.reject(new WorkGoesOn('a pass')));
  await expect(stubborn).rejects.toThrow('a pass');
  expect(server.holder).toBe('p');
});
