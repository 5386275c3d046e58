import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from './fake-clock.ts';
import { WorkQueue, urgencies } from './work-queue.ts';
import type { Urgency } from './work-queue.ts';

type Call =
  | { readonly type: 'add'; readonly key: string; readonly urgency: Urgency }
  | { readonly type: 'done'; readonly key: string }
  | { readonly type: 'addAfter'; readonly key: string; readonly delay: number }
  | { readonly type: 'take' }
  | { readonly type: 'pass'; readonly by: number };

const key = fc.constantFrom('a', 'b', 'c');
const call: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ type: fc.constant('add' as const), key, urgency: fc.constantFrom(...urgencies) }),
  fc.record({ type: fc.constant('done' as const), key }),
  fc.record({ type: fc.constant('addAfter' as const), key, delay: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ type: fc.constant('take' as const) }),
  fc.record({ type: fc.constant('pass' as const), by: fc.integer({ min: 1, max: 60 }) }),
);

/** The simplest thing that obeys client-go's contract: a list for each urgency, what is wanted again, and a table of deadlines. */
class Model {
  waiting: Record<Urgency, string[]> = { normal: [], background: [], last: [] };
  again = new Map<string, Urgency>();
  running = new Map<string, Urgency>();
  due = new Map<string, number>();
  time = 0;

  add(key: string, urgency: Urgency = 'normal'): void {
    const before = this.running.has(key)
      ? this.again.get(key)
      : urgencies.find((one) => this.waiting[one].includes(key));
    if (before !== undefined && urgencies.indexOf(before) <= urgencies.indexOf(urgency)) return;
    if (this.running.has(key)) {
      this.again.set(key, urgency);
      return;
    }
    for (const one of urgencies) this.waiting[one] = this.waiting[one].filter((other) => other !== key);
    this.waiting[urgency].push(key);
  }
  take(): { key: string; urgency: Urgency } | undefined {
    const urgency = urgencies.find((one) => this.waiting[one].length > 0);
    const key = urgency && this.waiting[urgency].shift();
    if (urgency === undefined || key === undefined) return undefined;
    this.running.set(key, urgency);
    return { key, urgency };
  }
  done(key: string): void {
    const again = this.again.get(key);
    if (!this.running.delete(key) || again === undefined) return;
    this.again.delete(key);
    this.add(key, again);
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
          const taken = await queue.take();
          expect({ key: taken, urgency: taken !== undefined && queue.takenAs(taken) }).toEqual(model.take());
        } else if (step.type === 'pass') {
          // One millisecond at a time, so that two delays that fall due together stay in a defined order.
          await clock.advance(step.by);
          model.pass(step.by);
        } else if (step.type === 'addAfter') {
          queue.addAfter(step.key, step.delay);
          model.addAfter(step.key, step.delay);
        } else if (step.type === 'add') {
          queue.add(step.key, step.urgency);
          model.add(step.key, step.urgency);
        } else {
          queue.done(step.key);
          model.done(step.key);
        }
        expect(queue.depth).toBe(Object.values(model.waiting).flat().length);
      }
    }),
  );
});

test('a change overtakes what a start has found, and is not done twice for it', async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  for (const key of ['a', 'b', 'c']) queue.add(key, 'background');
  queue.add('c');
  queue.add('d');
  const taken = await Promise.all([queue.take(), queue.take(), queue.take(), queue.take()]);
  expect(taken).toEqual(['c', 'd', 'a', 'b']);
  expect(queue.depth).toBe(0);
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

test('reports how long a key waited and was worked on, and how long it is not done yet', async () => {
  const clock = new FakeClock();
  const reported: string[] = [];
  const queue = new WorkQueue({
    clock,
    onTaken: (waited) => void reported.push(`waited ${waited}`),
    onDone: (worked) => void reported.push(`worked ${worked}`),
  });
  queue.add('a');
  await clock.advance(100);
  queue.add('a');
  await queue.take();
  await clock.advance(30);
  expect(queue.unfinished).toEqual([30]);
  // Added again while it runs: from then on it waits.
  queue.add('a');
  await clock.advance(40);
  queue.done('a');
  await queue.take();
  expect(queue.unfinished).toEqual([0]);
  expect(reported).toEqual(['waited 100', 'worked 70', 'waited 40']);
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
