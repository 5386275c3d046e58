import { describe, expect, test } from '@jest/globals';
import { planMongodb } from '../plan.ts';
import { SET, aStack, allVote, held, inSet, member, seen } from '../testing/seen.ts';
import { now, replaced, summary } from '../testing/summary.ts';
import type { Case, Change } from '../testing/summary.ts';

describe('lost disks', () => {
  const survivor = member(2, inSet({ self: 'SECONDARY', votes: allVote, states: { 0: 'DOWN', 1: 'DOWN' } }));
  const none = [member(0, held), member(1, held), member(2, held)];
  const accepting = (id: string): Change => ({
    stack: aStack({ annotations: { 'authstack.dev/accept-data-loss': id } }),
  });

  test.each<Case>([
    ['all disks empty', { members: none }, 'False/DataLossSuspected', []],
    [
      'a majority of disks empty',
      { members: [member(0, held), member(1, held), survivor] },
      'False/DataLossSuspected',
      [],
    ],
    [
      'the only disk empty',
      { stack: aStack({ members: 1 }), members: [member(0, held)] },
      'False/DataLossSuspected',
      [],
    ],
    [
      'two disks empty, no report of the third',
      { members: [member(0, held), member(1, held), member(2, 'unknown')] },
      'False/NoPrimary',
      [],
    ],
    ['a loss of another set was accepted', { ...accepting('other'), members: none }, 'False/DataLossSuspected', []],
    [
      'the loss was accepted, and nothing is left',
      { ...accepting(SET), members: none },
      'False/Initiating',
      [
        replaced({
          ...{ state: 'initiating', 'first-claim-uid': 'claim-0', 'replica-set-id': '' },
          ...{ formed: '0', credentials: '', 'next-member-id': '1' },
        }),
      ],
    ],
    [
      'the loss was accepted, but one disk still holds data',
      { ...accepting(SET), members: [member(0, held), member(1, held), survivor] },
      'False/DataLossSuspected',
      [],
    ],
    [
      'the loss was accepted, but one member has not reported',
      { ...accepting(SET), members: [member(0, held), member(1, held), member(2, 'unknown')] },
      'False/NoPrimary',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('the message says how to accept the loss', () => {
    const { message } = summary(planMongodb(seen({ members: none })));
    expect(message).toContain(`kubectl -n auth annotate authstack shop authstack.dev/accept-data-loss=${SET}`);
  });
});
