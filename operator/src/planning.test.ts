import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authStackSpecSchema } from './api/auth-stack.ts';
import type { AuthStack } from './api/auth-stack.ts';
import { STALL_AFTER, firstAnswer, planOf } from './planning.ts';
import type { Verdict } from './planning.ts';
import type { ConditionStatus } from './runtime/objects.ts';

const now = Date.UTC(2030, 0, 1);

function aStack(stored?: { readonly status: ConditionStatus; readonly since: number }): AuthStack {
  const condition = stored && {
    type: 'AuthReady',
    status: stored.status,
    reason: 'Starting',
    message: '',
    lastTransitionTime: new Date(stored.since).toISOString(),
  };
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop', namespace: 'auth' },
    spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } }),
    ...(condition && { status: { conditions: [condition] } }),
  };
}

type AuthVerdict = Verdict<'AuthReady', never>;

function plan(
  verdict: Partial<AuthVerdict>,
  stack: AuthStack,
): ReturnType<typeof planOf<'AuthReady', never, undefined>> {
  const starting: AuthVerdict = { status: 'False', reason: 'Starting', message: 'No pod is ready yet' };
  return planOf({ ...starting, ...verdict }, { stack, now, type: 'AuthReady', status: undefined });
}

test('the first rule that answers wins', () => {
  const rules = [(): undefined => undefined, (seen: number) => (seen > 1 ? 'many' : undefined), () => 'few'];
  expect([2, 1].map((seen) => firstAnswer(rules, seen))).toEqual(['many', 'few']);
  expect(firstAnswer(rules.slice(0, 2), 1)).toBeUndefined();
});

test('a condition that is not True stalls once it has lasted STALL_AFTER, and the plan asks to be woken then', () => {
  const ages = fc.integer({ min: 0, max: 2 * STALL_AFTER });
  const statuses = fc.constantFrom<ConditionStatus>('False', 'Unknown');
  fc.assert(
    fc.property(ages, statuses, (age, status) => {
      const { stalled, recheckAt } = plan({ status }, aStack({ status, since: now - age }));
      expect(stalled !== undefined).toBe(age >= STALL_AFTER);
      expect(recheckAt).toBe(age >= STALL_AFTER ? undefined : now - age + STALL_AFTER);
    }),
  );
});

test('the time begins anew when the status changes', () => {
  const old = aStack({ status: 'Unknown', since: now - 10 * STALL_AFTER });
  expect(plan({ status: 'False' }, old)).toMatchObject({ recheckAt: now + STALL_AFTER });
  expect(plan({ status: 'False' }, old).stalled).toBeUndefined();
});

test('what only a person can mend stalls at once, what somebody asked for and what is True never', () => {
  const old = aStack({ status: 'False', since: now - 10 * STALL_AFTER });
  expect(plan({ stalls: 'now' }, aStack()).stalled).toEqual({ reason: 'Starting', message: 'No pod is ready yet' });
  expect(plan({ stalls: 'never' }, old)).not.toHaveProperty('stalled');
  expect(plan({ stalls: 'never' }, old)).not.toHaveProperty('recheckAt');
  const good = aStack({ status: 'True', since: now - 10 * STALL_AFTER });
  expect(plan({ status: 'True', reason: 'AllReplicasAvailable' }, good)).not.toHaveProperty('stalled');
});

test('the earlier of the two deadlines brings the next pass', () => {
  const stack = aStack({ status: 'False', since: now });
  expect(plan({ recheckAt: now + 1_000 }, stack).recheckAt).toBe(now + 1_000);
  expect(plan({ recheckAt: now + 2 * STALL_AFTER }, stack).recheckAt).toBe(now + STALL_AFTER);
});
