import { expect, test } from '@jest/globals';
import { allowsNamespace, selects } from './consent.ts';
import { aStack } from './testing/seen.ts';

type Selector = Parameters<typeof selects>[0];

test.each<[string, Selector, Record<string, string>, boolean]>([
  ['an empty selector selects everything', {}, {}, true],
  ['a label that is equal', { matchLabels: { a: '1' } }, { a: '1' }, true],
  ['a label of another value', { matchLabels: { a: '1' } }, { a: '2' }, false],
  ['a label that is missing', { matchLabels: { a: '1' } }, {}, false],
  ['In', { matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, { a: '2' }, true],
  ['In, and it is missing', { matchExpressions: [{ key: 'a', operator: 'In', values: ['1'] }] }, {}, false],
  ['NotIn', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, { a: '1' }, false],
  ['NotIn, and it is missing', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, {}, true],
  ['Exists', { matchExpressions: [{ key: 'a', operator: 'Exists' }] }, { a: '' }, true],
  ['DoesNotExist', { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { a: '' }, false],
  [
    'every requirement counts',
    { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'Exists' }] },
    { a: '1' },
    false,
  ],
])('%s', (_case, ...[selector, labels, selected]) => {
  expect(selects(selector, labels)).toBe(selected);
});

test.each<[string, 'Same' | 'All', string, boolean]>([
  ['Same allows its own namespace', 'Same', 'auth', true],
  ['Same allows no other', 'Same', 'shop', false],
  ['All allows any', 'All', 'shop', true],
])('%s', (_law, ...[from, namespace, allowed]) => {
  const stack = aStack({ consumers: { allowedNamespaces: { from } } });
  expect(allowsNamespace(stack, { namespace, labels: {} })).toBe(allowed);
});
