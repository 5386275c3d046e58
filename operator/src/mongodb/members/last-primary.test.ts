import { expect, test } from '@jest/globals';
import { host, inSet, member } from '../testing/seen.ts';
import { serving } from '../testing/sets.ts';
import { newestPrimary, stateOfPrimary } from './last-primary.ts';
import type { RememberedPrimary } from './last-primary.ts';

const remembered: RememberedPrimary = {
  ...{ name: 'shop-mongodb-0', host: host(0), podUid: 'pod' },
  ...{ replicaSetId: '65a000000000000000000001', term: 3 },
};

test('the primary of the newest term is remembered; one that has not noticed its step-down does not replace it', () => {
  const [first] = serving(3, { term: 3 });
  expect(newestPrimary(serving(3, { term: 3 }), undefined)).toEqual(remembered);
  expect(newestPrimary(serving(3, { primary: 1, term: 2 }), remembered)).toEqual(remembered);
  expect(newestPrimary(serving(3, { primary: 1, term: 4 }), remembered)).toMatchObject({
    name: 'shop-mongodb-1',
    term: 4,
  });
  expect(newestPrimary(first ? [{ ...first, agent: 'unknown' }] : [], remembered)).toEqual(remembered);
});

test("the primary of another replica set counts by that set's own terms", () => {
  const other = serving(3, { term: 1, replicaSetId: '65a000000000000000000002' });
  expect(newestPrimary(other, remembered)).toMatchObject({ term: 1, replicaSetId: '65a000000000000000000002' });
});

test('only the agent of the very pod that was primary is evidence that its mongod has ended', () => {
  const down = { ...inSet({ self: 'PRIMARY', votes: [[0, 1]] }), mongod: { state: 'down' } } as const;
  expect(stateOfPrimary(remembered, [member(0, down)])).toBe('ended');
  expect(stateOfPrimary(remembered, [member(0, { ...down, podUid: 'another' })])).toBe('unknown');
  expect(stateOfPrimary(remembered, [member(0, { ...down, mongod: { state: 'starting' } })])).toBe('runs');
  expect(stateOfPrimary(remembered, [member(0, 'unknown')])).toBe('unknown');
});
