import { describe, expect, test } from '@jest/globals';
import type { MongodbObservation } from '../members/observation.ts';
import { aStack, allVote, held, inSet, member, noMember } from '../testing/seen.ts';
import { fenced, serving, withAgent } from '../testing/sets.ts';
import { now } from '../testing/summary.ts';
import type { Case } from '../testing/summary.ts';

const asking = (
  name: string,
  ordinal: number | string,
  rest: Parameters<typeof aStack>[0] = {},
): MongodbObservation['stack'] =>
  aStack({ ...rest, annotations: { [`authstack.dev/${name}-member`]: String(ordinal) } });

describe('a fenced member', () => {
  const held2 = { ...held, volume: { state: 'data', fenced: true } } as const;
  test.each<Case>([
    [
      'is fenced by its agent',
      { stack: asking('fence', 2) },
      'True/AllMembersHealthy',
      [{ fence: 'shop-mongodb-2', fenced: true }],
    ],
    [
      'then its mongod ends',
      {
        stack: asking('fence', 2),
        members: withAgent(serving(3), 2, fenced(inSet({ self: 'SECONDARY', votes: allVote }))),
      },
      'True/AllMembersHealthy',
      [{ delete: 'shop-mongodb-2' }],
    ],
    [
      'is left alone then',
      { stack: asking('fence', 2), members: withAgent(serving(3, { states: { 2: 'DOWN' } }), 2, held2) },
      'True/Degraded',
      [],
    ],
    [
      'is not where the others have no majority',
      { stack: asking('fence', 2), members: serving(3, { states: { 1: 'DOWN' } }) },
      'True/Degraded',
      [],
    ],
    [
      'steps down before, if it is primary',
      { stack: asking('fence', 0) },
      'True/AllMembersHealthy',
      [{ stepDown: 'shop-mongodb-0' }],
    ],
    [
      'comes back when the annotation is removed',
      { members: withAgent(serving(3, { states: { 2: 'DOWN' } }), 2, held2) },
      'True/Degraded',
      [{ fence: 'shop-mongodb-2', fenced: false }],
    ],
    [
      'comes back also where there is no primary without it',
      { members: [noMember(0), noMember(1), member(2, held2)] },
      'False/Starting',
      [{ fence: 'shop-mongodb-2', fenced: false }],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });
});
