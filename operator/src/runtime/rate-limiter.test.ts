import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from './fake-clock.ts';
import { RateLimiter } from './rate-limiter.ts';

test('retries of one key double from 5 ms to 1000 s and start over once forgotten', () => {
  const limiter = new RateLimiter({ clock: new FakeClock() });
  const delays = Array.from({ length: 20 }, () => limiter.when('a'));
  expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
  expect(delays.at(-1)).toBe(1_000_000);
  expect(limiter.retries('a')).toBe(20);
  limiter.forget('a');
  expect(limiter.when('a')).toBe(5);
});

test('one key that fails does not make another wait', () => {
  const limiter = new RateLimiter({ clock: new FakeClock() });
  for (let turn = 0; turn < 50; turn++) limiter.when('a');
  expect(limiter.when('b')).toBe(5);
});

const retries = fc.array(
  fc.record({ key: fc.nat({ max: 300 }).map(String), after: fc.oneof(fc.constant(0), fc.integer({ max: 3_000 })) }),
  { maxLength: 300 },
);

test('in no span are more retries due than a burst and ten a second, whichever keys fail and when', async () => {
  await fc.assert(
    fc.asyncProperty(retries, async (history) => {
      const clock = new FakeClock(0);
      const limiter = new RateLimiter({ clock, backoff: { base: 0, cap: 0 } });
      const due: number[] = [];
      for (const { key, after } of history) {
        if (after > 0) await clock.advance(after);
        due.push(clock.monotonic() + limiter.when(key));
      }
      due.sort((a, b) => a - b);
      due.forEach((from, index) => {
        const until = due.slice(index).findIndex((at) => at > from + 5_000);
        const within = until < 0 ? due.length - index : until;
        expect(within).toBeLessThanOrEqual(100 + 5 * 10 + 1);
      });
    }),
    { numRuns: 50 },
  );
});

test('a retry is due no earlier than its own back-off and no later than that and the wait for everybody', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 }).map(String), { maxLength: 400 }), (keys) => {
      const limiter = new RateLimiter({ clock: new FakeClock() });
      keys.forEach((key, index) => {
        const own = Math.min(5 * 2 ** limiter.retries(key), 1_000_000);
        const everybody = Math.max(0, (index + 1 - 100) * 100);
        expect(limiter.when(key)).toBeCloseTo(Math.max(own, everybody));
      });
    }),
  );
});
