import { describe, expect, test } from '@jest/globals';
import type { Member, SeenAgent } from '../members/observation.ts';
import { planMongodb } from '../plan.ts';
import { allVote, configOf, held, inSet, initiatedIdentity, member, pod, released, seen } from '../testing/seen.ts';
import type { Votes } from '../testing/seen.ts';
import { alone, pair, serving, terminating } from '../testing/sets.ts';
import { now, replaced } from '../testing/summary.ts';
import type { Case } from '../testing/summary.ts';

const newcomers: Votes = [
  [0, 1],
  [1, 0],
  [2, 0],
];
const notFormed = initiatedIdentity({ formed: 0 });

describe('members', () => {
  const primary = (votes: Votes, more: object = {}): ReturnType<typeof member> =>
    member(0, inSet({ self: 'PRIMARY', votes, ...more }));
  const one = member(1, inSet({ self: 'SECONDARY', votes: allVote }));
  const reconfigure = (votes: Votes): object => ({
    reconfigure: 'shop-mongodb-0',
    expectedVersion: 5,
    members: configOf(votes),
  });

  test.each<Case>([
    ['all in order: nothing is done', {}, 'True/AllMembersHealthy', []],
    [
      'an empty disk joins without a vote',
      { identity: notFormed, members: [primary(alone), member(1, held), member(2, held)] },
      'False/Starting',
      [
        reconfigure([
          [0, 1],
          [1, 0],
        ]),
      ],
    ],
    [
      'and starts once its place is committed',
      {
        identity: notFormed,
        members: [primary(newcomers), member(1, held), member(2, held)],
      },
      'False/Starting',
      [{ release: 'shop-mongodb-1', pvcUid: 'claim-1' }],
    ],
    [
      'nothing moves while a configuration is not committed',
      {
        members: [
          primary(
            [
              [0, 1],
              [1, 0],
            ],
            { committed: false },
          ),
          member(1, held),
          member(2, held),
        ],
      },
      'True/Degraded',
      [],
    ],
    [
      'a member that caught up gets its vote, alone in its reconfig',
      {
        members: [
          primary(newcomers),
          member(
            1,
            inSet({
              self: 'SECONDARY',
              votes: newcomers,
            }),
          ),
          member(
            2,
            inSet({
              self: 'SECONDARY',
              votes: newcomers,
            }),
          ),
        ],
      },
      'True/Degraded',
      [
        reconfigure([
          [0, 1],
          [1, 1],
          [2, 0],
        ]),
      ],
    ],
    [
      'a member that lags gets none',
      {
        members: [
          primary(
            [
              [0, 1],
              [1, 1],
              [2, 0],
            ],
            { lagSeconds: 6 },
          ),
          member(1, inSet({ self: 'SECONDARY', votes: allVote })),
          member(2, inSet({ self: 'SECONDARY', votes: allVote })),
        ],
      },
      'True/Degraded',
      [],
    ],
    [
      'nor does one that only the primary still takes for a secondary',
      {
        members: [
          primary([
            [0, 1],
            [1, 1],
            [2, 0],
          ]),
          member(1, inSet({ self: 'SECONDARY', votes: allVote })),
          member(2, 'unknown'),
        ],
      },
      'True/Degraded',
      [],
    ],
    [
      'an empty disk in a voting place leaves first, and its id with it',
      {
        members: [
          primary(allVote, { states: { 2: 'DOWN' } }),
          member(1, inSet({ self: 'SECONDARY', votes: allVote })),
          member(2, held),
        ],
      },
      'True/Degraded',
      [replaced({ 'next-member-id': '3' }), reconfigure(pair)],
    ],
    [
      'and comes back under an id that nobody had',
      {
        identity: initiatedIdentity({ nextMemberId: 3 }),
        members: [primary(pair), member(1, inSet({ self: 'SECONDARY', votes: allVote })), member(2, held)],
      },
      'True/Degraded',
      [
        reconfigure([
          [0, 1],
          [1, 1],
          [2, 0, 3],
        ]),
      ],
    ],
    [
      'nobody leaves where the rest has no healthy majority',
      {
        members: [
          primary(allVote, { states: { 1: 'DOWN', 2: 'DOWN' } }),
          member(1, 'unknown', { pod: pod(1) }),
          member(2, held),
        ],
      },
      'False/NoPrimary',
      [],
    ],
    [
      'a member that cannot be asked keeps its place',
      { members: [primary(allVote, { states: { 2: 'DOWN' } }), one, member(2, 'unknown')] },
      'True/Degraded',
      [],
    ],
    [
      'a member whose mongod just starts is not added before it reports what it holds',
      {
        members: [primary(pair), one, member(2, { ...released('claim-2'), replicaSet: { state: 'unknown' } })],
      },
      'True/Degraded',
      [],
    ],
    [
      'a member that left with its data is added again, without a vote',
      {
        members: [primary(pair), one, member(2, inSet({ self: 'REMOVED', votes: [] }))],
      },
      'True/Degraded',
      [
        reconfigure([
          [0, 1],
          [1, 1],
          [2, 0],
        ]),
      ],
    ],
    [
      'a member of another set is left alone',
      {
        identity: notFormed,
        members: [
          primary(allVote),
          one,
          member(2, inSet({ self: 'PRIMARY', votes: [[2, 1]], replicaSetId: '65a0000000000000000000ff', term: 9 })),
        ],
      },
      'False/ForeignData',
      [],
    ],
    [
      'complete for the first time: from now on offered',
      { identity: notFormed },
      'True/AllMembersHealthy',
      [replaced({ formed: '3' })],
    ],
    [
      'a primary whose agent is silent is known from its secondaries',
      { members: [member(0, 'unknown'), ...seen().members.slice(1)] },
      'True/Degraded',
      [],
    ],
    [
      'no primary: reported, and left to the members',
      {
        members: [0, 1, 2].map((ordinal) =>
          member(ordinal, inSet({ self: 'SECONDARY', votes: allVote, states: { 0: 'SECONDARY' } })),
        ),
      },
      'False/NoPrimary',
      [],
    ],
    [
      'a primary that sees no majority does not serve',
      { members: [primary(allVote, { states: { 1: 'DOWN', 2: 'DOWN' } }), member(1, 'unknown'), member(2, 'unknown')] },
      'False/NoPrimary',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('two members that believe to be primary: the one of the newer configuration is', () => {
    const members = [
      member(0, inSet({ self: 'PRIMARY', votes: allVote, term: 1 })),
      member(1, inSet({ self: 'PRIMARY', votes: allVote, term: 2, states: { 0: 'SECONDARY', 1: 'PRIMARY' } })),
      member(2, inSet({ self: 'SECONDARY', votes: allVote, term: 2 })),
    ];
    expect(planMongodb(seen({ members })).status.mongodb.primary).toBe('shop-mongodb-1');
  });
});

describe('a Terminating member', () => {
  const newcomers: Votes = [
    [0, 1],
    [1, 1],
    [2, 0],
  ];
  const goingAway = (agent: SeenAgent): Member => terminating(member(2, agent));
  const others = (votes: Votes): Member[] => [
    member(0, inSet({ self: 'PRIMARY', votes })),
    member(1, inSet({ self: 'SECONDARY', votes })),
  ];
  test.each<[string, Member[]]>([
    ['gets no vote', [...others(newcomers), goingAway(inSet({ self: 'SECONDARY', votes: newcomers }))]],
    ['is not started', [...others(newcomers), goingAway(held)]],
    ['does not join', [...others(pair), goingAway(held)]],
    ['counts as missing before it is', serving(3).map((one) => (one.ordinal === 2 ? terminating(one) : one))],
  ])('%s', (_law, members) => {
    expect(now({ members })).toMatchObject({ ready: 'True/Degraded', does: [] });
  });
});
