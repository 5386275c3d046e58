import { expect, test } from '@jest/globals';
import type { Optime } from '../api.ts';
import { mayEndCatchUp } from './catch-up.ts';
import type { Voter } from './catch-up.ts';

const at = (seconds: number, term = 1): Optime => ({ term, seconds, ordinal: 1 });
const voter = (host: string, change: Partial<Voter> = {}): Voter => ({
  ...{ host, isSelf: false, isReached: true, isCompared: true, optime: at(10) },
  ...change,
});
const away = { isReached: false, isCompared: false };
const self = voter('a', { isSelf: true });
const dead = voter('dead', { ...away, optime: at(12) });

test.each<[string, boolean, readonly Voter[]]>([
  ['every reached voter is as far or behind', true, [self, voter('b', { optime: at(9) }), dead]],
  ['the one that has ended still counts as reached', true, [self, voter('b'), { ...dead, isReached: true }]],
  ['the one that has ended is back, and ahead', false, [self, voter('b'), voter('dead', { optime: at(12) })]],
  ['a voter is ahead by a write', false, [self, voter('b', { optime: at(11) }), dead]],
  ['a voter has an older time in a newer term', false, [self, voter('b', { optime: at(9, 2) }), dead]],
  ['a voter is reached and not compared yet', false, [self, voter('b'), voter('c', { isCompared: false }), dead]],
  ['no majority was compared', false, [self, voter('b', away), dead]],
  ['a majority was compared, and nobody else is reached', true, [self, voter('b'), voter('c'), voter('d', away), dead]],
  ['it does not know how far it is', false, [{ host: 'a', isSelf: true, ...away }, voter('b')]],
])('%s: catch-up ends %p', (...[, ends, voters]) => {
  expect(mayEndCatchUp(voters, 'dead')).toBe(ends);
});
