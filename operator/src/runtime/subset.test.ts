import { expect, test } from '@jest/globals';
import { contains } from './subset.ts';

const container = { name: 'auth', image: 'auth:1' };

test.each<[string, unknown, unknown, boolean]>([
  ['what the server adds does not count', { a: 1, status: {} }, { a: 1 }, true],
  ['a changed value does', { a: 2 }, { a: 1 }, false],
  ['a missing value does', {}, { a: 1 }, false],
  ['undefined asks for nothing', { a: 1 }, { a: 1, b: undefined }, true],
  ['a container that was injected does not count', [{ name: 'mesh' }, container], [container], true],
  ['a container whose image changed does', [{ ...container, image: 'auth:2' }], [container], false],
  ['plain lists agree in length', ['a', 'b'], ['a'], false],
  ['and in order', ['b', 'a'], ['a', 'b'], false],
  ['an empty text may be left out', { name: 'PROXIES' }, { name: 'PROXIES', value: '' }, true],
  ['and another text is not empty', { name: 'PROXIES', value: 'x' }, { name: 'PROXIES', value: '' }, false],
  ['an empty list is not absent', undefined, [], false],
])('%s', (_law, ...[live, desired, isContained]) => {
  expect(contains(live, desired)).toBe(isContained);
});
