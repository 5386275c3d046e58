import { describe, expect, test } from '@jest/globals';
import type { Verifier } from '../auth-pods/verifiers.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import { planConsumer } from './plan.ts';
import { aConsumer, seen } from './testing/seen.ts';
import type { ConsumerObservation } from './types.ts';

const NOW = seen().now;
/** volumeRefresh and clockSkew of the defaults. */
const TIME_TO_LOAD = 180_000;

function instance(name: string, kids: readonly string[]): Verifier {
  return { client: 'shop/orders', instance: `instance of ${name}`, name, kids: [...kids], heardMillisAgo: 1_000 };
}

function planned(verifiers: readonly Verifier[], syncedAt = NOW - TIME_TO_LOAD): ReturnType<typeof planConsumer> {
  const status = {
    kids: ['k1', 'k2'],
    lastSyncTime: rfc3339(syncedAt),
    conditions: [{ type: 'InSync', status: 'True', reason: 'InSync', message: '', lastTransitionTime: '' }],
  } as const;
  const consumer = { ...aConsumer(), status } as unknown as ConsumerObservation['consumer'];
  return planConsumer(seen({ consumer, verifiers }));
}

const inSync = ({ conditions }: ReturnType<typeof planConsumer>): unknown =>
  conditions.find(({ type }) => type === 'InSync');

describe('which keys the instances of a service have', () => {
  test('are those that each of them has; without an instance nobody knows', () => {
    const verifiers = [instance('orders-1', ['k2', 'k1', 'k0']), instance('orders-2', ['k1', 'k0'])];
    expect(planned(verifiers).status.acknowledgedKids).toEqual(['k0', 'k1']);
    expect(planned([]).status.acknowledgedKids).toBeUndefined();
  });

  test('are not told of one that has no copy', () => {
    const gone = seen({ namespaceLabels: {}, verifiers: [instance('orders-1', ['k1'])] });
    expect(planConsumer(gone).status.acknowledgedKids).toBeUndefined();
  });
});

describe('an instance that has not loaded a key of its Secret', () => {
  const verifiers = [instance('orders-1', ['k1', 'k2']), instance('orders-2', ['k1'])];

  test('has the time that its mount may take', () => {
    const plan = planned(verifiers, NOW - TIME_TO_LOAD + 1_000);
    expect(inSync(plan)).toMatchObject({ status: 'True', message: 'Secret auth holds the current keys' });
    expect(plan.recheckAt).toBe(NOW + 1_000);
  });

  test('is named after that, with what to look at', () => {
    const plan = planned([...verifiers, instance('orders-3', [])]);
    expect(inSync(plan)).toMatchObject({
      status: 'True',
      reason: 'InSync',
      message:
        'Secret auth holds the current keys. orders-2 and 1 more have not loaded k2. Mount the Secret as a whole directory, ' +
        'without subPath; see what mounts it: kubectl -n shop get pod orders-2 -o jsonpath={.spec.containers[*].volumeMounts}',
    });
    expect(plan.recheckAt).toBeUndefined();
  });

  test('is no longer named once it has', () => {
    expect(inSync(planned([instance('orders-2', ['k1', 'k2', 'k3'])]))).toMatchObject({
      message: 'Secret auth holds the current keys',
    });
  });
});
