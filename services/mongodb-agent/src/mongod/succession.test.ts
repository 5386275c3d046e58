import { expect, test } from '@jest/globals';
import type { ConfigMember, Optime } from '../api.ts';
import { successionOf } from './succession.ts';
import type { Fellow, Leaving, Succession } from './succession.ts';

const at = (seconds: number, term = 7): Optime => ({ term, seconds, ordinal: 1 });
const entry = (_id: number, host: string, change: Partial<ConfigMember> = {}): ConfigMember => ({
  ...{ _id, host, votes: 1, priority: 1, ...change },
});
const secondary = (host: string, change: Partial<Fellow> = {}): Fellow => ({
  ...{ host, isHealthySecondary: true, isPrimary: false, optime: at(100), ...change },
});
const primary = (host: string): Fellow => ({ ...secondary(host), isHealthySecondary: false, isPrimary: true });
const down = { isHealthySecondary: false };

const config = [entry(4, 'a'), entry(5, 'b'), entry(2, 'c')];
const primaryLeaves: Leaving = { self: primary('a'), others: [secondary('c'), secondary('b')], config };
const secondaryLeaves: Leaving = { self: secondary('b'), others: [primary('a'), secondary('c')], config };

test.each<[string, Leaving, Succession | undefined]>([
  ['the first of the configuration follows the primary', primaryLeaves, { heir: 'b', followers: ['c'] }],
  [
    'of a higher priority before it',
    { ...primaryLeaves, config: [entry(4, 'a'), entry(5, 'b'), entry(2, 'c', { priority: 2 })] },
    { heir: 'c', followers: ['b'] },
  ],
  [
    'one that lags follows, and is not followed',
    { ...primaryLeaves, others: [secondary('b', { optime: at(97) }), secondary('c')] },
    { heir: 'c', followers: ['b'] },
  ],
  [
    'one of an older term is not followed, however late its last write',
    { ...primaryLeaves, others: [secondary('b', { optime: at(200, 6) }), secondary('c')] },
    { heir: 'c', followers: ['b'] },
  ],
  [
    'one that is not there is left alone',
    { ...primaryLeaves, others: [secondary('b', down), secondary('c')] },
    { heir: 'c', followers: [] },
  ],
  [
    'one that cannot be elected is not followed, and one without a vote does not turn',
    { ...primaryLeaves, config: [entry(4, 'a'), entry(5, 'b', { votes: 0, priority: 0 }), entry(2, 'c')] },
    { heir: 'c', followers: [] },
  ],
  ['a primary that is alone has no heir', { ...primaryLeaves, others: [], config: config.slice(0, 1) }, undefined],
  ['who replicates from a secondary turns to the primary', secondaryLeaves, { heir: 'a', followers: ['c'], from: 'b' }],
  [
    'without a primary nobody is told whom to follow',
    { ...secondaryLeaves, others: [secondary('a'), secondary('c')] },
    undefined,
  ],
])('%s', (...[, leaving, succession]) => {
  expect(successionOf(leaving)).toEqual(succession);
});
