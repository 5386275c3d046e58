import { expect, test } from '@jest/globals';
import type { LastPrimary, Member } from '../members/observation.ts';
import { allVote, host, inSet, member } from '../testing/seen.ts';
import type { InSet } from '../testing/seen.ts';
import { terminating, withAgent } from '../testing/sets.ts';
import { now } from '../testing/summary.ts';
import type { Change } from '../testing/summary.ts';

const ended: LastPrimary = { name: 'shop-mongodb-0', host: host(0), term: 1, ended: 'mongod' };
const { ended: _unknown, ...silent } = ended;

/** Two secondaries that still take the first member for primary, as they do until a heartbeat fails. */
function left(one: Partial<InSet> = {}, two: Partial<InSet> = {}): readonly Member[] {
  const secondary = (set: Partial<InSet>): ReturnType<typeof inSet> =>
    inSet({ self: 'SECONDARY', votes: allVote, ...set });
  return [member(0, 'unknown'), member(1, secondary(one)), member(2, secondary(two))];
}

const stands = (ordinal: number): object[] => [
  { standForElection: `shop-mongodb-${ordinal}`, term: 1, ended: host(0) },
];

test('the most recent secondary stands at once, and the condition says for whom', () => {
  const { ready, message, does } = now({ lastPrimary: ended, members: left({}, { appliedSeconds: 101 }) });
  expect(does).toEqual(stands(2));
  expect(ready).toBe('False/NoPrimary');
  expect(message).toBe('shop-mongodb-0 was primary, and its mongod has ended. shop-mongodb-2 stands for election');
});

test.each<[string, Change, object[]]>([
  ['a pod that is gone is evidence too', { lastPrimary: { ...ended, ended: 'pod' }, members: left() }, stands(1)],
  ['silence is none', { lastPrimary: silent, members: left() }, []],
  ['an operator that remembers no primary leaves it to them', { members: left() }, []],
  ['a set in a newer term has had its election', { lastPrimary: ended, members: left({}, { term: 2 }) }, []],
  [
    'a Terminating member does not stand, though it is ahead',
    {
      lastPrimary: ended,
      members: left({ appliedSeconds: 101 }).map((one) => (one.ordinal === 1 ? terminating(one) : one)),
    },
    stands(2),
  ],
  ['without a majority nobody stands', { lastPrimary: ended, members: withAgent(left(), 2, 'unknown') }, []],
  ['a member that recovers is none of it', { lastPrimary: ended, members: left({}, { self: 'RECOVERING' }) }, []],
])('%s', (...[, change, does]) => {
  expect(now(change).does).toEqual(does);
});
