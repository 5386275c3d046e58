import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ApiError } from './client.ts';
import type { ApiClient, ApiRequest } from './client.ts';
import type { Clock } from './clock.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { runAsLeader } from './leader-election.ts';
import { silent } from './log.ts';

interface Lease {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: { readonly holderIdentity: string };
}

/** The API server's part in it: one Lease with optimistic locking, and a network that can be cut for each process. */
class LeaseServer {
  private lease: Lease | undefined;
  private version = 0;
  private readonly cut = new Set<string>();

  cutOff(identity: string, isCut: boolean): void {
    if (isCut) this.cut.add(identity);
    else this.cut.delete(identity);
  }

  clientOf(identity: string): ApiClient {
    return {
      send: <T>(request: ApiRequest) =>
        this.cut.has(identity)
          ? Promise.reject(new Error('connection refused'))
          : this.answer(request).then((lease) => lease as T),
      stream: () => Promise.reject(new Error('not needed')),
      close: () => Promise.resolve(),
    };
  }

  private answer({ method, body }: ApiRequest): Promise<Lease> {
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

type Step = { readonly advance: number } | { readonly cut: number } | { readonly mend: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ advance: fc.integer({ min: 100, max: 20_000 }) }),
    fc.record({ cut: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ mend: fc.integer({ min: 0, max: 2 }) }),
  ),
  { maxLength: 25 },
);

test('whatever happens to networks and wall clocks, no two processes lead at the same time', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.array(fc.integer({ min: -3_600_000, max: 3_600_000 }), { minLength: 3, maxLength: 3 }),
      async (history, skews) => {
        const clock = new FakeClock();
        const server = new LeaseServer();
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
            await new Promise((resolve) => {
              signal.addEventListener('abort', resolve, { once: true });
            });
            leading.delete(index);
          });
        });
        for (const step of history as Step[]) {
          if ('advance' in step) await clock.advance(step.advance);
          else if ('cut' in step) server.cutOff(`p${step.cut}`, true);
          else server.cutOff(`p${step.mend}`, false);
        }
        stop.abort();
        await settle();
        expect(overlaps).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});

test('a leader that is cut off is followed by another within 20 s', async () => {
  const clock = new FakeClock();
  const server = new LeaseServer();
  const led: string[] = [];
  const stop = new AbortController();
  for (const identity of ['first', 'second']) {
    const options = { client: server.clientOf(identity), clock, log: silent, namespace: 'x', name: 'y', identity };
    void runAsLeader(options, stop.signal, async (signal) => {
      led.push(identity);
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true });
      });
    });
    await clock.advance(3_000);
  }
  expect(led).toEqual(['first']);

  server.cutOff('first', true);
  await clock.advance(20_000);
  expect(led).toEqual(['first', 'second']);
  stop.abort();
  await settle();
});
