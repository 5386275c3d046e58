import { expect, test } from '@jest/globals';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import { planStackConsumers } from './summary.ts';
import { aConsumer } from './testing/seen.ts';

function consumer(name: string, conditions: Readonly<Record<string, 'True' | 'False' | 'Unknown'>>): AuthConsumer {
  const base = aConsumer();
  const stored = Object.entries(conditions).map(([type, status]) => ({
    type,
    status,
    reason: 'Tested',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  }));
  return { ...base, metadata: { ...base.metadata, name }, status: { conditions: stored } };
}

const good = consumer('good', { Accepted: 'True', InSync: 'True' });

test.each<[string, readonly AuthConsumer[], object, object]>([
  ['nobody asks', [], { status: 'True', reason: 'NoConsumers' }, { total: 0, inSync: 0 }],
  ['all have the keys', [good], { status: 'True', reason: 'AllInSync' }, { total: 1, inSync: 1 }],
  [
    'one lags and is named',
    [good, consumer('slow', { Accepted: 'True', InSync: 'False' })],
    { status: 'False', message: expect.stringContaining('shop/slow lacks') },
    { total: 2, inSync: 1 },
  ],
  [
    'whom the stack does not allow is not behind',
    [good, consumer('stranger', { Accepted: 'False', InSync: 'False' })],
    { status: 'True' },
    { total: 1, inSync: 1 },
  ],
])('%s', (_case, ...[consumers, condition, counts]) => {
  const plan = planStackConsumers({ consumers });
  expect(plan.conditions).toMatchObject([condition]);
  expect(plan.status).toEqual({ consumers: counts });
});
