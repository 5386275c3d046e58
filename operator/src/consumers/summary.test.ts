import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { mergeConditions, rfc3339 } from '../runtime/conditions.ts';
import type { ConditionStatus } from '../runtime/objects.ts';
import { planStackConsumers } from './summary.ts';
import { aConsumer, aStack } from './testing/seen.ts';

const NOW = Date.UTC(2030, 0, 1);
const SECOND = 1_000;

interface Changes {
  readonly accepted?: ConditionStatus;
  readonly inSync?: ConditionStatus;
  /** How long InSync has been so. */
  readonly age?: number;
  /** It held the keys before. */
  readonly synced?: boolean;
}

function consumer(
  name: string,
  { accepted = 'True', inSync = 'True', age = 60_000, synced = true }: Changes = {},
): AuthConsumer {
  const condition = (type: string, status: ConditionStatus) => ({
    ...{ type, status, reason: 'Tested', message: '' },
    lastTransitionTime: rfc3339(NOW - age),
  });
  return {
    ...aConsumer(),
    metadata: { ...aConsumer().metadata, name },
    status: {
      conditions: [condition('Accepted', accepted), condition('InSync', inSync)],
      ...(synced && { lastSyncTime: rfc3339(NOW - 60 * SECOND) }),
    },
  };
}

const stack = aStack();
const terminating = consumer('leaving', { inSync: 'False' });

test.each<[string, readonly AuthConsumer[], object, object]>([
  ['nobody asks', [], { status: 'True', reason: 'NoConsumers' }, { total: 0, inSync: 0 }],
  [
    'one copy holds the keys',
    [consumer('good')],
    { reason: 'AllInSync', message: '1 copy holds the current keys' },
    { total: 1, inSync: 1 },
  ],
  [
    'several do',
    [consumer('good'), consumer('fine')],
    { message: '2 copies hold the current keys' },
    { total: 2, inSync: 2 },
  ],
  [
    'one lags and is named',
    [consumer('good'), consumer('slow', { inSync: 'False' })],
    { status: 'False', message: expect.stringContaining('shop/slow lacks') },
    { total: 2, inSync: 1 },
  ],
  [
    'one whose first copy is being written is not counted yet',
    [consumer('good'), consumer('new', { inSync: 'False', age: 0, synced: false })],
    { status: 'True' },
    { total: 1, inSync: 1 },
  ],
  [
    'and is behind when that takes long',
    [consumer('good'), consumer('new', { inSync: 'False', age: 5 * SECOND, synced: false })],
    { status: 'False' },
    { total: 2, inSync: 1 },
  ],
  [
    'whom the stack does not allow is not behind',
    [consumer('good'), consumer('stranger', { accepted: 'False', inSync: 'False' })],
    { status: 'True' },
    { total: 1, inSync: 1 },
  ],
  [
    'one that is Terminating is not counted',
    [consumer('good'), { ...terminating, metadata: { ...terminating.metadata, deletionTimestamp: rfc3339(NOW) } }],
    { status: 'True' },
    { total: 1, inSync: 1 },
  ],
])('%s', (_case, ...[consumers, condition, counts]) => {
  const plan = planStackConsumers({ stack, now: NOW, consumers });
  expect(plan.conditions).toMatchObject([condition]);
  expect(plan.status).toEqual({ consumers: counts });
});

test('five hundred long names that lag fit into a status with room to spare', () => {
  const lagging = Array.from({ length: 500 }, (_, n) => consumer(`${'x'.repeat(240)}-${n}`, { inSync: 'False' }));
  const [condition] = planStackConsumers({ stack, now: NOW, consumers: lagging }).conditions;
  expect(condition?.message).toContain(' and 497 more lack the current keys');
  expect(condition?.message.length).toBeLessThan(2_000);
});

describe('a rotation', () => {
  /** The stack as its status is after each pass, and how often it was written. */
  function followed(
    stored: AuthStack,
    passes: readonly { readonly now: number; readonly consumers: readonly AuthConsumer[] }[],
  ) {
    let [current, writes] = [stored, 0];
    for (const { now, consumers } of passes) {
      const { conditions, status } = planStackConsumers({ stack: current, now, consumers });
      const merged = mergeConditions(current.status?.conditions ?? [], conditions, {
        ...{ now, generation: 1, types: ['ConsumersInSync'] },
      });
      const next: AuthStack = { ...current, status: { ...status, conditions: merged } };
      if (JSON.stringify(next.status) !== JSON.stringify(current.status)) writes += 1;
      current = next;
    }
    return { writes, current };
  }

  /** Each consumer is behind from its turn on, for as long as `lag`; a pass after each change. */
  function rotation(count: number, { lag, spread }: { readonly lag: number; readonly spread: number }) {
    const changes = Array.from({ length: count }, (_, n) => {
      const from = NOW + Math.floor((n * spread) / count);
      return { name: `c${n}`, from, to: from + lag };
    });
    const times = [NOW - SECOND, ...changes.flatMap(({ from, to }) => [from, to]), NOW + spread + lag + 60 * SECOND];
    const beats = Array.from({ length: Math.ceil((spread + lag) / SECOND) }, (_, n) => NOW + n * SECOND);
    return [...times, ...beats]
      .sort((a, b) => a - b)
      .map((now) => ({
        now,
        consumers: changes.map(({ name, from, to }) => {
          const inSync = now >= from && now < to ? 'False' : 'True';
          const since = now >= to ? to : now >= from ? from : NOW - 60 * SECOND;
          return consumer(name, { inSync, age: NOW - since });
        }),
      }));
  }

  test.each([3, 30, 100])('of %i copies that takes two seconds is no write of the status of the stack', (count) => {
    const [before, ...passes] = rotation(count, { lag: 400, spread: 2 * SECOND });
    const settled = followed(stack, before ? [before] : []).current;
    expect(followed(settled, passes)).toMatchObject({ writes: 0 });
  });

  test('that takes long is at most three writes for every five seconds, however many copies there are', () => {
    const cases = fc.record({
      count: fc.integer({ min: 1, max: 40 }),
      lag: fc.integer({ min: 0, max: 40_000 }),
      spread: fc.integer({ min: 0, max: 40_000 }),
    });
    fc.assert(
      fc.property(cases, ({ count, lag, spread }) => {
        const { writes, current } = followed(stack, rotation(count, { lag, spread }));
        expect(writes).toBeLessThanOrEqual(3 + (3 * (lag + spread)) / (5 * SECOND));
        expect(current.status?.consumers).toEqual({ total: count, inSync: count });
      }),
      { numRuns: 100 },
    );
  });
});

test('what is reported is true of the last five seconds, and a pass is asked for when it may change', () => {
  const late = [consumer('good'), consumer('slow', { inSync: 'False', age: 2 * SECOND })];
  const plan = planStackConsumers({ stack, now: NOW, consumers: late });
  expect(plan).toMatchObject({ conditions: [{ status: 'True' }], recheckAt: NOW + 3 * SECOND });
  expect(planStackConsumers({ stack, now: NOW + 3 * SECOND, consumers: late }).conditions).toMatchObject([
    { status: 'False' },
  ]);
});

test('once nobody is behind any more that is reported at once', () => {
  const stored = { type: 'ConsumersInSync', status: 'False', reason: 'CopiesBehind', message: '' } as const;
  const status = { consumers: { total: 1, inSync: 0 }, conditions: [{ ...stored, lastTransitionTime: rfc3339(NOW) }] };
  const plan = planStackConsumers({ stack: { ...stack, status }, now: NOW, consumers: [consumer('good', { age: 0 })] });
  expect(plan).toMatchObject({ conditions: [{ status: 'True' }], status: { consumers: { total: 1, inSync: 1 } } });
});
