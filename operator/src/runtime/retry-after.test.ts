import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { honouringRetryAfter, retryAfterOf } from './retry-after.ts';

interface Busy {
  readonly client: ApiClient;
  /** When it was asked, since the beginning. */
  readonly asked: number[];
}

/** Answers 429 with these pauses, one after the other, and then what was asked for. */
function busyFor(pauses: readonly (number | undefined)[], clock: FakeClock, status = 429): Busy {
  const left = [...pauses];
  const asked: number[] = [];
  const begun = clock.monotonic();
  const answer = <T>(value: T): Promise<T> => {
    asked.push(clock.monotonic() - begun);
    if (left.length === 0) return Promise.resolve(value);
    const retryAfter = left.shift();
    const refusal = { reason: 'TooManyRequests', message: 'busy', ...(retryAfter !== undefined && { retryAfter }) };
    return Promise.reject(new ApiError('GET', status, refusal));
  };
  const client: ApiClient = {
    send: <T>() => answer('done' as T),
    stream: () => answer(ReadableStream.from<string>([])),
    close: () => Promise.resolve(),
  };
  return { client, asked };
}

const request = { method: 'GET', path: '/', signal: new AbortController().signal } as const;

test('asks again exactly as late as the server wants, for a stream as for an answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 9 }),
      fc.constantFrom('send' as const, 'stream' as const),
      async (seconds, way) => {
        const clock = new FakeClock();
        const { client, asked } = busyFor(
          seconds.map((each) => each * 1000),
          clock,
        );
        const done = honouringRetryAfter(client, clock)[way](request);
        await clock.advance(300_000);
        await done;
        const due = seconds.reduce((times, each) => [...times, (times.at(-1) ?? 0) + each * 1000], [0]);
        expect(asked).toEqual(due);
      },
    ),
  );
});

test('a server that is busy without end is asked ten times', async () => {
  const clock = new FakeClock();
  const { client, asked } = busyFor(
    Array.from({ length: 100 }, () => 1_000),
    clock,
  );
  const refused = expect(honouringRetryAfter(client, clock).send(request)).rejects.toMatchObject({ status: 429 });
  await clock.advance(60_000);
  await refused;
  expect(asked).toHaveLength(10);
});

test.each([
  ['an error without Retry-After', [undefined], 429],
  ['another failure, which may have been carried out', [1_000], 503],
])('%s is passed on', async (_law, pauses, status) => {
  const clock = new FakeClock();
  const { client, asked } = busyFor(pauses, clock, status);
  await expect(honouringRetryAfter(client, clock).send(request)).rejects.toMatchObject({ status });
  expect(asked).toHaveLength(1);
});

test('no server keeps a request longer than its signal lives', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const { client } = busyFor([30_000], clock);
  const sent = honouringRetryAfter(client, clock).send({ ...request, signal: stop.signal });
  const refused = expect(sent).rejects.toThrow('leadership was lost');
  await settle();
  stop.abort(new Error('leadership was lost'));
  await refused;
});

test.each([
  ['1', 1_000],
  ['0', 0],
  [undefined, undefined],
  ['', undefined],
  ['-1', undefined],
  ['Wed, 21 Oct 2015 07:28:00 GMT', undefined],
])('Retry-After %s is %s ms', (header, millis) => {
  expect(retryAfterOf(header)).toBe(millis);
});
