import { describe, expect, test } from '@jest/globals';
import { planMongodb } from '../plan.ts';
import { aStack, allVote, claim, held, member, noMember, seen } from '../testing/seen.ts';
import { five, reconfigure, recorded, serving } from '../testing/sets.ts';
import { now, replaced } from '../testing/summary.ts';
import type { Case, Change } from '../testing/summary.ts';

describe('growing and shrinking', () => {
  test.each<Case>([
    [
      'the new size is stored before the first joins',
      { stack: aStack({ members: 5 }), members: [...serving(3), member(3, held), member(4, held)] },
      'True/MembershipChanging',
      [replaced({ members: '5' })],
    ],
    [
      'then they join one by one',
      {
        identity: recorded(5),
        stack: aStack({ members: 5 }),
        members: [...serving(3), member(3, held), member(4, held)],
      },
      'True/MembershipChanging',
      [reconfigure([...allVote, [3, 0]])],
    ],
    [
      'the last one leaves first, and alone',
      { identity: recorded(5, { nextMemberId: 5 }), members: serving(5) },
      'True/AllMembersHealthy',
      [reconfigure(five.slice(0, 4))],
    ],
    [
      'ids that go are stored before',
      { identity: recorded(5), members: serving(5) },
      'True/AllMembersHealthy',
      [replaced({ 'next-member-id': '5' }), reconfigure(five.slice(0, 4))],
    ],
    [
      'a primary that is to leave steps down first',
      { identity: recorded(5), members: serving(5, { primary: 4 }) },
      'True/AllMembersHealthy',
      [{ stepDown: 'shop-mongodb-4' }],
    ],
    [
      'none leaves where the others have no majority',
      {
        ...{ identity: recorded(3, { formed: 1 }), stack: aStack({ members: 1 }) },
        members: serving(3, { states: { 1: 'DOWN' } }),
      },
      'True/AllMembersHealthy',
      [],
    ],
    [
      'pods go only once that is stored',
      { identity: recorded(5), members: [...serving(3), noMember(3), noMember(4)] },
      'True/AllMembersHealthy',
      [replaced({ members: '3' })],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('why none leaves is reported', () => {
    const stuck = {
      identity: recorded(3, { formed: 1 }),
      stack: aStack({ members: 1 }),
      members: serving(3, { states: { 1: 'DOWN' } }),
    };
    expect(now(stuck).message).toContain(
      'shop-mongodb-2 cannot leave the set yet: without it only 1 of 2 voting members would be healthy',
    );
  });

  test('the StatefulSet keeps every member that may still be in the set', () => {
    const replicas = (change: Change): unknown =>
      planMongodb(seen(change)).actions.find(
        ({ type, ...action }) => type === 'apply' && JSON.stringify(action).includes('"replicas":5'),
      );
    expect(replicas({ identity: recorded(5), members: serving(5) })).toBeDefined();
    expect(replicas({ identity: recorded(3), members: serving(3) })).toBeUndefined();
  });

  test('a volume that was left behind stays under Retain and goes under Delete, and is none of the set', () => {
    const left = { ...noMember(3), claim: claim(3) };
    const stack = aStack();
    const deleting = { ...stack, spec: { ...stack.spec, deletionPolicy: 'Delete' as const } };
    const members = [...serving(3), left];
    expect(now({ members })).toMatchObject({ ready: 'True/AllMembersHealthy', does: [] });
    expect(now({ members, stack: deleting }).does).toEqual([{ delete: 'data-shop-mongodb-3' }]);
    expect(planMongodb(seen({ members })).status.mongodb.members).toHaveLength(3);
  });
});
