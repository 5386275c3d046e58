import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../runtime/core-kinds.ts';
import type { SeenAgent } from '../members/observation.ts';
import { planMongodb } from '../plan.ts';
import type { MongodbPlan } from '../plan.ts';
import {
  SET,
  aStack,
  allVote,
  claim,
  held,
  inSet,
  initiatingIdentity,
  member,
  noMember,
  pod,
  released,
  seen,
} from '../testing/seen.ts';
import { absent, alone, container, firstMember } from '../testing/sets.ts';
import { now, replaced, summary } from '../testing/summary.ts';
import type { Case, Change } from '../testing/summary.ts';

const initiating = initiatingIdentity();
/** Nothing but the stack. */
const nothing: Change = {
  identity: absent,
  keyfile: absent,
  rootUser: absent,
  authUser: absent,
  members: [noMember(0), noMember(1), noMember(2)],
};
const identityOnly: Change = { ...nothing, identity: initiating, members: [noMember(0), noMember(1), noMember(2)] };
const kindsApplied = ({ actions }: MongodbPlan): string[] =>
  actions.flatMap((action) => (action.type === 'apply' ? [action.kind.kind] : []));

const started = { containerStatuses: [container({ name: 'mongod', state: { running: {} } })] };

test.each<[string, SeenAgent, Pod['status'], object[]]>([
  ['is what the set is initiated with', 'unknown', {}, [{ replace: 'shop-mongodb-identity', version: '6.0' }]],
  ['is so while mongod is held, too', held, started, [{ replace: 'shop-mongodb-identity', version: '6.0' }]],
  ['has to wait while a mongod runs', released('claim-0'), started, [{ initiate: 'shop-mongodb-0' }]],
  ['has to wait for an agent whose mongod may run', 'unknown', started, []],
  ['comes too late for a volume that was written to', { ...held, volume: { state: 'data' } }, started, []],
])('another version that is requested before a set is initiated %s', (...[, agent, status, does]) => {
  const stack = aStack({ mongodb: { version: '6.0' } });
  const members = [member(0, agent, { pod: pod(0, status) }), noMember(1), noMember(2)];
  expect(summary(planMongodb(seen({ ...firstMember(agent), stack, members }))).does).toMatchObject(does);
});

describe('initiating a replica set', () => {
  test.each<Case>([
    [
      'begins with the volume, before there is anything else',
      nothing,
      'False/Initiating',
      [{ create: 'data-shop-mongodb-0' }],
    ],
    [
      'then stores on which volume the set is initiated',
      { ...nothing, members: [{ ...noMember(0), claim: claim(0) }, noMember(1), noMember(2)] },
      'False/Initiating',
      [
        {
          create: 'shop-mongodb-identity',
          ...{ state: 'initiating', 'first-claim-uid': 'claim-0', version: '8.0', 'next-member-id': '1' },
        },
      ],
    ],
    [
      'creates a keyfile',
      { ...identityOnly, members: [{ ...noMember(0), claim: claim(0) }] },
      'False/Initiating',
      [{ createKeyfile: true }],
    ],
    ['waits for the first member', firstMember('unknown'), 'False/Initiating', []],
    [
      'starts mongod of the first member',
      firstMember(held),
      'False/Initiating',
      [{ release: 'shop-mongodb-0', pvcUid: 'claim-0' }],
    ],
    [
      'initiates on the volume that was stored',
      firstMember(released('claim-0')),
      'False/Initiating',
      [{ initiate: 'shop-mongodb-0', pvcUid: 'claim-0' }],
    ],
    [
      'never initiates on a volume of another claim',
      firstMember(released('claim-of-another-life')),
      'False/ForeignData',
      [],
    ],
    [
      'never initiates on a volume that once belonged to a set',
      firstMember({
        ...released('claim-0'),
        volume: { state: 'data', pvcUid: 'claim-0', replicaSetId: SET },
      }),
      'False/ForeignData',
      [],
    ],
    [
      'never releases a volume that was marked for another claim',
      firstMember({ ...held, volume: { state: 'empty', pvcUid: 'claim-of-another-life' } }),
      'False/ForeignData',
      [],
    ],
    [
      'releases its own volume again when it is interrupted',
      firstMember({ ...held, volume: { state: 'empty', pvcUid: 'claim-0' } }),
      'False/Initiating',
      [{ release: 'shop-mongodb-0', pvcUid: 'claim-0' }],
    ],
    [
      'stores the id before anything else happens to the set',
      firstMember(inSet({ self: 'PRIMARY', votes: alone })),
      'False/Initiating',
      [replaced({ state: 'initiated', 'replica-set-id': SET, version: '8.0', 'next-member-id': '1' })],
    ],
    [
      'moves to the volume that replaced the lost one',
      {
        identity: initiating,
        members: [member(0, held, { claim: claim(0, { uid: 'claim-new' }) }), noMember(1), noMember(2)],
      },
      'False/Initiating',
      [replaced({ 'first-claim-uid': 'claim-new' })],
    ],
    [
      'creates the claim again that was lost',
      { identity: initiating, members: [noMember(0), noMember(1), noMember(2)] },
      'False/Initiating',
      [{ create: 'data-shop-mongodb-0' }],
    ],
    [
      'releases a Terminating claim that was never used',
      {
        identity: initiating,
        members: [member(0, held, { claim: claim(0, { deletionTimestamp: '2030-01-01T00:00:00Z' }) })],
      },
      'False/VolumeBeingDeleted',
      [{ delete: 'shop-mongodb-0' }],
    ],
    [
      'waits while another volume may hold a set',
      { identity: initiating, members: [member(0, held), member(1, 'unknown'), noMember(2)] },
      'False/Initiating',
      [],
    ],
    [
      'adopts the set that another volume holds',
      {
        identity: initiating,
        members: [member(0, held), member(1, inSet({ self: 'SECONDARY', votes: allVote })), noMember(2)],
      },
      'False/Initiating',
      [replaced({ state: 'initiated', 'replica-set-id': SET, version: '8.0', 'next-member-id': '3' })],
    ],
    [
      'refuses volumes of different sets',
      {
        identity: initiating,
        members: [
          member(0, inSet({ self: 'PRIMARY', votes: alone })),
          member(1, inSet({ self: 'SECONDARY', votes: allVote, replicaSetId: '65a0000000000000000000ff' })),
        ],
      },
      'False/ForeignData',
      [],
    ],
    [
      'creates no second keyfile while pods run with the first',
      {
        identity: initiating,
        keyfile: absent,
        members: [
          member(0, 'unknown', {
            pod: pod(0, { initContainerStatuses: [container({ name: 'agent', started: true })] }),
          }),
        ],
      },
      'False/KeyfileLost',
      [],
    ],
    [
      'waits until the volumes of an earlier stack are gone',
      {
        identity: absent,
        members: [
          member(0, inSet({ self: 'PRIMARY', votes: alone }), {
            claim: claim(0, { deletionTimestamp: '2030-01-01T00:00:00Z' }),
          }),
        ],
      },
      'False/VolumeBeingDeleted',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('no pod is created before the identity is stored', () => {
    for (const change of [nothing, { ...nothing, members: [{ ...noMember(0), claim: claim(0) }] }]) {
      expect(kindsApplied(planMongodb(seen(change)))).toEqual([]);
    }
    expect(kindsApplied(planMongodb(seen(firstMember('unknown'))))).toEqual([
      'Service',
      'PodDisruptionBudget',
      'StatefulSet',
    ]);
  });
});
