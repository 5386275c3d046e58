import { expect, test } from '@jest/globals';
import { FakeClock, settle } from './fake-clock.ts';
import { LEASE, WorkGoesOn, runAsLeader } from './leader-election.ts';
import { silent } from './log.ts';
import { LeaseServer } from './testing/lease-server.ts';

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
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
