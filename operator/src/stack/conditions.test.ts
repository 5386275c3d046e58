import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PlannedCondition } from '../api/reasons.ts';
import type { ConditionStatus } from '../runtime/objects.ts';
import { readyOf, stalledOf, withAuthority } from './conditions.ts';

const statuses = fc.constantFrom('True' as const, 'False' as const, 'Unknown' as const);
const features = ['DatabaseReady', 'KeysReady', 'AuthReady'] as const;

const reasons = {
  DatabaseReady: 'NoPrimary',
  KeysReady: 'ClockSkew',
  AuthReady: 'NotReady',
  ConsumersInSync: 'CopiesBehind',
} as const;

function condition(type: keyof typeof reasons, status: ConditionStatus): PlannedCondition {
  return { type, status, reason: reasons[type], message: `${type} message` } as PlannedCondition;
}

test('a stack is ready exactly when database, keys and auth service are, whatever its consumers do', () => {
  fc.assert(
    fc.property(fc.array(statuses, { minLength: 3, maxLength: 3 }), statuses, (given, consumers) => {
      const parts = features.map((type, index) => condition(type, given[index] ?? 'Unknown'));
      const { status } = readyOf([...parts, condition('ConsumersInSync', consumers)]);
      expect(status === 'True').toBe(given.every((one) => one === 'True'));
      expect(status === 'False').toBe(given.includes('False'));
    }),
  );
});

test('Ready repeats the reason of a condition that is False before one that is Unknown', () => {
  const ready = readyOf([
    condition('DatabaseReady', 'Unknown'),
    condition('KeysReady', 'True'),
    condition('AuthReady', 'False'),
  ]);
  expect(ready).toEqual({
    type: 'Ready',
    status: 'False',
    reason: 'NotReady',
    message: 'AuthReady is False: AuthReady message',
  });
});

test('of several conditions that are False, Ready repeats the one that the others need', () => {
  expect(readyOf(features.map((type) => condition(type, 'False'))).reason).toBe('NoPrimary');
});

test('a condition that no pass has reported leaves Ready Unknown', () => {
  expect(readyOf([condition('DatabaseReady', 'True')])).toMatchObject({ status: 'Unknown', reason: 'NotEvaluated' });
});

test('one stalled feature stalls the stack, and the message names every one', () => {
  expect(stalledOf([undefined, undefined])).toMatchObject({ status: 'False', reason: 'Progressing' });
  const stalled = [
    undefined,
    { reason: 'NoPrimary', message: 'first' } as const,
    { reason: 'NotReady', message: 'second' } as const,
  ];
  expect(stalledOf(stalled)).toMatchObject({ status: 'True', reason: 'NoPrimary', message: 'first; second' });
});

test('members that are unreachable for want of an authority are explained by it, and by nothing else', () => {
  const message = 'cut off';
  const unreachable = { type: 'DatabaseReady', status: 'Unknown', reason: 'MembersUnreachable', message } as const;
  const stalled = { reason: 'CertificateAuthorityNotOwned', message: 'Secret shop-ca has no labels' } as const;
  const others = [condition('KeysReady', 'True'), condition('DatabaseReady', 'False')];
  expect(withAuthority([unreachable, ...others], stalled)).toEqual([
    {
      ...unreachable,
      message: "The operator cannot authenticate to the members' agents. Secret shop-ca has no labels",
    },
    ...others,
  ]);
  expect(withAuthority([unreachable], undefined)).toEqual([unreachable]);
});
