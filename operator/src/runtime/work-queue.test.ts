import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from './fake-clock.ts';
import { WorkQueue } from './work-queue.ts';

type Call =
  | { readonly type: 'add' | 'done'; readonly key: string }
  | { readonly type: 'addAfter'; readonly key: string; readonly delay: number }
  | { readonly type: 'take' }
  | { readonly type: 'pass'; readonly by: number };

const key = fc.constantFrom('a', 'b', 'c');
const call: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ type: fc.constantFrom('add' as const, 'done' as const), key }),
  fc.record({ type: fc.constant('addAfter' as const), key, delay: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ type: fc.constant('take' as const) }),
  fc.record({ type: fc.constant('pass' as const), by: fc.integer({ min: 1, max: 60 }) }),
);

/** The simplest thing that obeys client-go's contract: a list, two sets and a table of deadlines. */
class Model {
  waiting: string[] = [];
  again = new Set<string>();
  running = new Set<string>();
  due = new Map<string, number>();
  time = 0;

  add(key: string): void {
    if (this.running.has(key)) this.again.add(key);
    else if (!this.waiting.includes(key)) this.waiting.push(key);
  }
  take(): string | undefined {
    const key = this.waiting.shift();
    if (key !== undefined) this.running.add(key);
    return key;
  }
  done(key: string): void {
    if (this.running.delete(key) && this.again.delete(key)) this.waiting.push(key);
  }
  addAfter(key: string, delay: number): void {
    this.due.set(key, Math.min(this.due.get(key) ?? Infinity, this.time + delay));
  }
  pass(by: number): void {
    this.time += by;
    const ripe = [...this.due].filter(([, at]) => at <= this.time).sort((a, b) => a[1] - b[1]);
    for (const [key] of ripe) {
      this.due.delete(key);
      this.add(key);
    }
  }
}

test('hands out the same keys as the model of client-go, whatever the order of calls', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 60 }), async (calls) => {
      const clock = new FakeClock(0);
      const queue = new WorkQueue({ clock });
      const model = new Model();
      for (const step of calls) {
        if (step.type === 'take') {
          if (queue.depth === 0) continue;
          expect(await queue.take()).toBe(model.take());
        } else if (step.type === 'pass') {
          // One millisecond at a time, so that two delays that fall due together stay in a defined order.
          await clock.advance(step.by);
          model.pass(step.by);
        } else if (step.type === 'addAfter') {
          queue.addAfter(step.key, step.delay);
          model.addAfter(step.key, step.delay);
        } else {
          queue[step.type](step.key);
          model[step.type](step.key);
        }
        expect(queue.depth).toBe(model.waiting.length);
      }
    }),
  );
});

test('a key added while it runs is run again, but never twice at the same time', async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  queue.add('a');
  expect(await queue.take()).toBe('a');
  queue.add('a');
  expect(queue.depth).toBe(0);
  queue.done('a');
  expect(await queue.take()).toBe('a');
});

test('retries of one key double from 5 ms to 1000 s and start over once forgotten', () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  const delays = Array.from({ length: 20 }, () => queue.addRateLimited('a'));
  expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
  expect(delays.at(-1)).toBe(1_000_000);
  queue.forget('a');
  expect(queue.addRateLimited('a')).toBe(5);
});

test('shutting down hands out what waits, then nothing, and resolves when the last key is done', async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  queue.add('a');
  let drained = false;
  const drain = queue.shutDownWithDrain().then(() => {
    drained = true;
  });
  queue.add('b');
  expect(await queue.take()).toBe('a');
  expect(drained).toBe(false);
  queue.done('a');
  await drain;
  expect(await queue.take()).toBeUndefined();
});
