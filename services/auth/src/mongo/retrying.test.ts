import { expect, test } from '@jest/globals';
import type { Clock } from '@authstack/http-service/clock';
import { mongo } from 'mongoose';
import { TestClock } from '../testing/test-clock.ts';
import { NotConnected } from './database-unavailable.ts';
import { retrying } from './retrying.ts';

const LIMIT = 3_000;
const lost = (): Error => new mongo.MongoNetworkError('read ECONNRESET');

function begin(work: (attempt: number, spent: AbortSignal) => Promise<string>): {
  readonly clock: TestClock;
  readonly closing: AbortController;
  readonly outcome: Promise<unknown>;
  readonly attempts: () => number;
} {
  const clock = new TestClock();
  const closing = new AbortController();
  let attempts = 0;
  const outcome = retrying((spent) => work((attempts += 1), spent), { clock, limit: LIMIT, closed: closing.signal });
  return { clock, closing, outcome: outcome.catch((error: unknown) => error), attempts: () => attempts };
}

test('what passes by itself is tried until it has passed, and nothing is left waiting', async () => {
  const { clock, outcome } = begin((attempt) => (attempt < 20 ? Promise.reject(lost()) : Promise.resolve('done')));
  await clock.passes(LIMIT);
  expect(await outcome).toBe('done');
  expect(clock.isIdle).toBe(true);
});

test('what does not pass by itself is told at once', async () => {
  const wrong = new mongo.MongoServerError({ message: 'duplicate', code: 11_000 });
  const { clock, outcome, attempts } = begin(() => Promise.reject(wrong));
  expect(await outcome).toBe(wrong);
  expect(attempts()).toBe(1);
  expect(clock.isIdle).toBe(true);
});

test('once the budget is spent the last reason is told, and nothing is tried any more', async () => {
  const { clock, outcome, attempts } = begin((attempt) => Promise.reject(new mongo.MongoNetworkError(`${attempt}`)));
  await clock.passes(LIMIT);
  const tried = attempts();
  expect(await outcome).toMatchObject({ message: `${tried}` });
  await clock.passes(LIMIT);
  expect(attempts()).toBe(tried);
});

test('an attempt that hangs ends with the budget, and learns that it must write nothing more', async () => {
  const signals: AbortSignal[] = [];
  const { clock, outcome } = begin((_, spent) => {
    signals.push(spent);
    return new Promise<never>(() => undefined);
  });
  await clock.passes(LIMIT - 1);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  await clock.passes(1);
  expect(await outcome).toBeInstanceOf(NotConnected);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test('a timer that wakes early does not shorten the budget', async () => {
  const clock = new TestClock();
  const early: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (delay, callback) => clock.after(delay / 2, callback),
  };
  const working = Promise.withResolvers<string>();
  const outcome = retrying(() => working.promise, { clock: early, limit: LIMIT, closed: new AbortController().signal });
  await clock.passes(LIMIT - 1);
  working.resolve('done');
  expect(await outcome).toBe('done');
});

test('on a closed connection nothing is tried again', async () => {
  const { clock, closing, outcome, attempts } = begin(() => Promise.reject(lost()));
  await clock.passes(LIMIT / 2);
  closing.abort();
  await clock.passes(LIMIT / 4);
  expect(await outcome).toBeInstanceOf(mongo.MongoNetworkError);
  const tried = attempts();
  await clock.passes(LIMIT);
  expect(attempts()).toBe(tried);
});
