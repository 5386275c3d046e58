import { describe, expect, test } from '@jest/globals';
import type { ContainerStatus, Pod } from '../runtime/core-kinds.ts';
import type { MongodbObservation, SeenAgent } from './members/observation.ts';
import { planMongodb } from './plan.ts';
import type { MongodbPlan } from './plan.ts';
import {
  NOW,
  SET,
  aStack,
  allVote,
  claim,
  configOf,
  held,
  host,
  inSet,
  initiatedIdentity,
  initiatingIdentity,
  member,
  noMember,
  pod,
  released,
  seen,
} from './testing/seen.ts';
import type { Votes } from './testing/seen.ts';
import { summary } from './testing/summary.ts';

type Change = Partial<MongodbObservation>;

const kindsApplied = ({ actions }: MongodbPlan): string[] =>
  actions.flatMap((action) => (action.type === 'apply' ? [action.kind.kind] : []));

const absent = { state: 'absent' } as const;
const founding = initiatingIdentity();
/** Nothing but the stack. */
const nothing: Change = {
  identity: absent,
  keyfile: absent,
  rootUser: absent,
  authUser: absent,
  members: [noMember(0), noMember(1), noMember(2)],
};
const identityOnly: Change = { ...nothing, identity: founding, members: [noMember(0), noMember(1), noMember(2)] };
const firstMember = (agent: Parameters<typeof member>[1]): Change => ({
  identity: founding,
  rootUser: absent,
  authUser: absent,
  members: [member(0, agent), noMember(1), noMember(2)],
});
const alone: Votes = [[0, 1]];
const pair: Votes = [
  [0, 1],
  [1, 1],
];
const newcomers: Votes = [
  [0, 1],
  [1, 0],
  [2, 0],
];
const notFormed = initiatedIdentity({ formed: 0 });
const anotherLife = initiatedIdentity({ adoptedBy: 'stack-0' });

type Case = [law: string, change: Change, ready: string, does: object[]];

const replaced = (data: object): object => ({ replace: 'shop-mongodb-identity', ...data });

const started = { containerStatuses: [container({ name: 'mongod', state: { running: {} } })] };

test.each<[string, SeenAgent, Pod['status'], object[]]>([
  ['is what it will be founded with', 'unknown', {}, [{ replace: 'shop-mongodb-identity', version: '6.0' }]],
  ['is so behind the gate, too', held, started, [{ replace: 'shop-mongodb-identity', version: '6.0' }]],
  ['has to wait while a mongod runs', released('claim-0'), started, [{ initiate: 'shop-mongodb-0' }]],
  ['has to wait for the word of an agent whose mongod may run', 'unknown', started, []],
  ['comes too late for a volume that was written to', { ...held, volume: { state: 'data' } }, started, []],
])('another version asked for before a set is founded %s', (...[, agent, status, does]) => {
  const stack = aStack({ mongodb: { version: '6.0' } });
  const members = [member(0, agent, { pod: pod(0, status) }), noMember(1), noMember(2)];
  expect(summary(planMongodb(seen({ ...firstMember(agent), stack, members }))).does).toMatchObject(does);
});

describe('founding', () => {
  test.each<Case>([
    [
      'begins with the volume, before there is anything else',
      nothing,
      'False/Initiating',
      [{ create: 'data-shop-mongodb-0' }],
    ],
    [
      'then writes down which volume founds',
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
      'makes a keyfile',
      { ...identityOnly, members: [{ ...noMember(0), claim: claim(0) }] },
      'False/Initiating',
      [{ createKeyfile: true }],
    ],
    ['waits for the firstMember', firstMember('unknown'), 'False/Initiating', []],
    [
      'releases the firstMember',
      firstMember(held),
      'False/Initiating',
      [{ release: 'shop-mongodb-0', pvcUid: 'claim-0' }],
    ],
    [
      'initiates on the volume that was written down',
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
      'writes down the id before anything else happens to the set',
      firstMember(inSet({ self: 'PRIMARY', votes: alone })),
      'False/Initiating',
      [replaced({ state: 'initiated', 'replica-set-id': SET, version: '8.0', 'next-member-id': '1' })],
    ],
    [
      'moves to the volume that replaced the lost one',
      {
        identity: founding,
        members: [member(0, held, { claim: claim(0, { uid: 'claim-new' }) }), noMember(1), noMember(2)],
      },
      'False/Initiating',
      [replaced({ 'first-claim-uid': 'claim-new' })],
    ],
    [
      'makes the volume again that was lost',
      { identity: founding, members: [noMember(0), noMember(1), noMember(2)] },
      'False/Initiating',
      [{ create: 'data-shop-mongodb-0' }],
    ],
    [
      'lets a volume go that was deleted before it was used',
      {
        identity: founding,
        members: [member(0, held, { claim: claim(0, { deletionTimestamp: '2030-01-01T00:00:00Z' }) })],
      },
      'False/VolumeBeingDeleted',
      [{ delete: 'shop-mongodb-0' }],
    ],
    [
      'waits while another volume may hold a set',
      { identity: founding, members: [member(0, held), member(1, 'unknown'), noMember(2)] },
      'False/Initiating',
      [],
    ],
    [
      'takes up the set that another volume holds',
      {
        identity: founding,
        members: [member(0, held), member(1, inSet({ self: 'SECONDARY', votes: allVote })), noMember(2)],
      },
      'False/Initiating',
      [replaced({ state: 'initiated', 'replica-set-id': SET, version: '8.0', 'next-member-id': '3' })],
    ],
    [
      'refuses volumes of different sets',
      {
        identity: founding,
        members: [
          member(0, inSet({ self: 'PRIMARY', votes: alone })),
          member(1, inSet({ self: 'SECONDARY', votes: allVote, replicaSetId: '65a0000000000000000000ff' })),
        ],
      },
      'False/ForeignData',
      [],
    ],
    [
      'makes no second keyfile while pods run with the first',
      {
        identity: founding,
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
      'waits until the volumes of an earlier life are gone',
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
    expect(summary(planMongodb(seen(change)))).toMatchObject({ ready, does });
  });

  test('no pod is asked for before the identity is stored', () => {
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

describe('a lost identity', () => {
  test.each<Case>([
    [
      'is made again from what the primary says, and people are served meanwhile',
      { identity: absent },
      'True/Degraded',
      [
        {
          create: 'shop-mongodb-identity',
          ...{ state: 'initiated', 'replica-set-id': SET, version: '8.0', 'next-member-id': '3', formed: '3' },
        },
      ],
    ],
    [
      'keeps the version that runs, whatever the default is now',
      { identity: absent, images: { ...seen().images, defaultVersion: '6.0' } },
      'True/Degraded',
      [expect.objectContaining({ create: 'shop-mongodb-identity', version: '8.0' })],
    ],
    [
      'is not made again where members disagree',
      {
        identity: absent,
        members: [
          member(0, inSet({ self: 'PRIMARY', votes: alone })),
          member(1, inSet({ self: 'PRIMARY', votes: [[1, 1]], replicaSetId: '65a0000000000000000000ff' })),
        ],
      },
      'False/ForeignData',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(summary(planMongodb(seen(change)))).toMatchObject({ ready, does });
  });
});

describe('what stands in the way', () => {
  test.each<Case>([
    ['a Secret of somebody else is left alone', { keyfile: { state: 'foreign' } }, 'True/Degraded', []],
    ['an identity of somebody else', { identity: { state: 'foreign' } }, 'False/IdentityNotOwned', []],
    [
      'an identity that cannot be read',
      { identity: { state: 'malformed', why: 'state: Invalid input' } },
      'False/IdentityMalformed',
      [],
    ],
    [
      'a version without an image',
      { ...nothing, stack: aStack({ mongodb: { version: '7.0' } }) },
      'False/VersionNotOffered',
      [],
    ],
    ['agents without a certificate', { ...nothing, hasAgentCertificate: false }, 'False/WaitingForCertificates', []],
    [
      'another version than the stored one, asked for by a stack made anew',
      {
        identity: anotherLife,
        stack: aStack({ mongodb: { version: '6.0' } }),
        members: [noMember(0), noMember(1), noMember(2)],
      },
      'False/AdoptionRefused',
      [],
    ],
    [
      'fewer members than the set has, asked for by a stack made anew',
      {
        identity: anotherLife,
        stack: aStack({ members: 1 }),
        members: [0, 1, 2].map((ordinal) => ({ ...noMember(ordinal), claim: claim(ordinal) })),
      },
      'False/AdoptionRefused',
      [],
    ],
    ['a lost keyfile', { keyfile: absent, members: [noMember(0)] }, 'False/KeyfileLost', []],
  ])('%s is told, and nothing is started', (...[, change, ready, does]) => {
    const plan = planMongodb(seen(change));
    expect(summary(plan)).toMatchObject({ ready, does });
    expect(kindsApplied(plan)).toEqual([]);
  });

  test('AdoptionRefused names the field and the value', () => {
    const identity = anotherLife;
    const another = seen({ identity, stack: aStack({ mongodb: { version: '6.0' } }), members: [noMember(0)] });
    expect(summary(planMongodb(another)).message).toContain('spec.mongodb.version: "8.0"');
    const fewer = seen({ identity, stack: aStack({ members: 1 }) });
    expect(summary(planMongodb(fewer)).message).toContain('spec.mongodb.members: 3');
  });

  test('a set that takes writes stays ready, whatever else is wrong', () => {
    const changes: Change[] = [
      { keyfile: absent },
      { hasAgentCertificate: false },
      { identity: anotherLife, stack: aStack({ mongodb: { version: '6.0' } }) },
      { images: { ...seen().images, mongodb: {} } },
    ];
    for (const change of changes) expect(summary(planMongodb(seen(change))).ready).toBe('True/Degraded');
    const routine: Change[] = [
      { rootUser: absent },
      { authUser: { state: 'present', fingerprint: '1', isCurrent: false } },
      { authUser: { state: 'present', fingerprint: '2', isCurrent: true } },
    ];
    for (const change of routine) expect(summary(planMongodb(seen(change))).ready).toBe('True/AllMembersHealthy');
  });
});

describe('credentials', () => {
  test.each<Case>([
    [
      'are stored before they are created in the database',
      { identity: initiatedIdentity({ formed: 0, credentials: '' }), rootUser: absent, authUser: absent },
      'False/CreatingUsers',
      [{ createRootUser: true }, { createAuthUser: true }],
    ],
    [
      'are then created, and that is written down',
      { identity: initiatedIdentity({ formed: 0, credentials: '' }) },
      'False/CreatingUsers',
      [{ ensureUsers: 'shop-mongodb-0' }, replaced({ credentials: 'root@1 auth@1' })],
    ],
    [
      'are carried into the database again when a Secret was made anew',
      { rootUser: { state: 'present', fingerprint: '9', isCurrent: true } },
      'True/AllMembersHealthy',
      [{ ensureUsers: 'shop-mongodb-0' }, replaced({ credentials: 'root@9 auth@1' })],
    ],
    [
      'are never created where no primary was asked',
      {
        identity: initiatedIdentity({ formed: 0, credentials: '' }),
        members: [member(0, 'unknown'), member(1, inSet({ self: 'SECONDARY', votes: allVote }))],
      },
      'False/Starting',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(summary(planMongodb(seen(change)))).toMatchObject({ ready, does });
  });
});

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
      'a member whose mongod just starts is not taken in before it says what it holds',
      {
        members: [primary(pair), one, member(2, { ...released('claim-2'), replicaSet: { state: 'unknown' } })],
      },
      'True/Degraded',
      [],
    ],
    [
      'a member that left with its data is taken in again, without a vote',
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
      'whole for the first time: from now on offered',
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
      'no primary: told, and left to the members',
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
    expect(summary(planMongodb(seen(change)))).toMatchObject({ ready, does });
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
      'two disks empty, the third not heard of',
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
      'the loss was accepted, but one member was not heard of',
      { ...accepting(SET), members: [member(0, held), member(1, held), member(2, 'unknown')] },
      'False/NoPrimary',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(summary(planMongodb(seen(change)))).toMatchObject({ ready, does });
  });

  test('the message says how to accept the loss', () => {
    const { message } = summary(planMongodb(seen({ members: none })));
    expect(message).toContain(`kubectl -n auth annotate authstack shop authstack.dev/accept-data-loss=${SET}`);
  });
});

function container(status: Partial<ContainerStatus>): ContainerStatus {
  return { name: 'mongod', ready: false, restartCount: 0, ...status };
}

describe('why members do not come up', () => {
  const unbound = { ...claim(0, { creationTimestamp: new Date(NOW - 60_000).toISOString() }), status: {} };
  const waiting = (
    name: string,
    reason: string,
    terminated: { exitCode: number; reason?: string; message?: string } = { exitCode: 62 },
  ): Partial<MongodbObservation> => ({
    ...firstMember('unknown'),
    members: [
      member(0, 'unknown', {
        pod: pod(0, {
          containerStatuses: [
            container({
              name,
              image: 'registry.example/mongo:9',
              state: { waiting: { reason } },
              lastState: { terminated },
              restartCount: 3,
            }),
          ],
        }),
      }),
    ],
  });
  const fast = { stack: aStack({ mongodb: { storage: { className: 'fast' } } }) };

  test.each<[law: string, change: Change, reason: string, names: string[]]>([
    [
      'a StorageClass that does not exist',
      {
        ...firstMember('unknown'),
        ...fast,
        storageClass: 'missing',
        members: [member(0, 'unknown', { claim: unbound })],
      },
      'StorageClassNotFound',
      ['fast', 'data-shop-mongodb-0', 'spec.mongodb.storage.className'],
    ],
    [
      'no default StorageClass',
      { ...firstMember('unknown'), storageClass: 'noDefault', members: [member(0, 'unknown', { claim: unbound })] },
      'StorageClassNotFound',
      ['data-shop-mongodb-0', 'spec.mongodb.storage.className'],
    ],
    [
      'a volume that does not come',
      { ...firstMember('unknown'), storageClass: 'present', members: [member(0, 'unknown', { claim: unbound })] },
      'VolumePending',
      ['data-shop-mongodb-0', '60s', 'kubectl -n auth describe pvc data-shop-mongodb-0'],
    ],
    [
      'an image that cannot be pulled',
      waiting('mongod', 'ImagePullBackOff'),
      'ImageNotPullable',
      ['registry.example/mongo:9', 'shop-mongodb-0', 'spec.mongodb.image'],
    ],
    [
      "the agent's image",
      waiting('agent', 'ErrImagePull'),
      'ImageNotPullable',
      ['registry.example/mongo:9', 'shop-mongodb-0', 'image.agent'],
    ],
    [
      'a container that ends again and again',
      waiting('mongod', 'CrashLoopBackOff'),
      'ContainerCrashes',
      ['mongod', 'exit code 62', 'kubectl -n auth logs shop-mongodb-0 -c mongod --previous'],
    ],
    [
      'an image with another mongod',
      waiting('mongod', 'CrashLoopBackOff', {
        exitCode: 69,
        message: '"mongod --version" answers "db version v5.0.31"',
      }),
      'ImageUnfit',
      ['answers "db version v5.0.31"', 'registry.example/mongo:9', 'mongodb.images'],
    ],
    [
      'an image without even a shell',
      waiting('mongod', 'CrashLoopBackOff', { exitCode: 128, reason: 'StartError', message: 'no /bin/sh' }),
      'ImageUnfit',
      ['no /bin/sh', 'registry.example/mongo:9', 'data was not touched'],
    ],
    [
      'a pod without a node',
      {
        ...firstMember('unknown'),
        members: [
          member(0, 'unknown', {
            pod: pod(0, { conditions: [{ type: 'PodScheduled', status: 'False', message: 'Insufficient memory' }] }),
          }),
        ],
      },
      'PodUnschedulable',
      ['shop-mongodb-0', 'Insufficient memory'],
    ],
    [
      'a volume that cannot be judged',
      firstMember({ ...held, volume: { state: 'unreadable', problem: 'no WiredTiger file' } }),
      'VolumeUnreadable',
      ['shop-mongodb-0', 'no WiredTiger file', 'authstack.dev/resync-member=0'],
    ],
    [
      'a keyfile that mongod does not know',
      firstMember({
        ...released('claim-0'),
        replicaSet: { state: 'unknown' },
        mongod: { state: 'answers', problem: 'mongod refuses __system' },
      }),
      'KeyfileRefused',
      ['shop-mongodb-0', 'shop-mongodb-keyfile', 'mongod refuses __system'],
    ],
    [
      'an agent that cannot be reached',
      {
        ...firstMember('unknown'),
        members: [
          member(0, 'unknown', {
            pod: pod(0, {
              initContainerStatuses: [
                container({
                  name: 'agent',
                  started: true,
                  state: { running: { startedAt: new Date(NOW - 60_000).toISOString() } },
                }),
              ],
            }),
          }),
        ],
      },
      'MembersUnreachable',
      ['shop-mongodb-0', '9443'],
    ],
  ])('%s is named', (...[, change, reason, names]) => {
    const { ready, message } = summary(planMongodb(seen(change)));
    expect(ready).toBe(`False/${reason}`);
    for (const name of names) expect(message).toContain(name);
  });

  test('after five minutes it counts as stalled, and says where to look', () => {
    const since = (minutes: number): Change => {
      const lastTransitionTime = new Date(NOW - minutes * 60_000).toISOString();
      const condition = { type: 'DatabaseReady', status: 'False' as const, reason: 'x', message: 'x' };
      return { ...waiting('mongod', 'ImagePullBackOff'), stack: stackWith({ ...condition, lastTransitionTime }) };
    };
    expect(planMongodb(seen(since(4))).stalled).toBeUndefined();
    expect(planMongodb(seen(since(5))).stalled).toMatchObject({
      reason: 'ImageNotPullable',
      message: expect.stringContaining('kubectl -n auth get pods,pvc'),
    });
  });

  test('nobody known at all is Unknown, not False', () => {
    const reachable = waiting('agent', 'none').members ?? [];
    const statuses = [
      container({ name: 'agent', started: true, state: { running: { startedAt: '2029-12-31T00:00:00Z' } } }),
    ];
    const members = reachable.map((one) => ({ ...one, pod: pod(one.ordinal, { initContainerStatuses: statuses }) }));
    expect(summary(planMongodb(seen({ members }))).ready).toBe('Unknown/MembersUnreachable');
  });
});

function stackWith(condition: {
  type: string;
  status: 'False';
  reason: string;
  message: string;
  lastTransitionTime: string;
}): MongodbObservation['stack'] {
  return { ...aStack(), status: { conditions: [condition] } };
}

test('the status names set, primary, versions and members', () => {
  expect(planMongodb(seen()).status.mongodb).toEqual({
    replicaSetId: SET,
    primary: 'shop-mongodb-0',
    version: '8.0',
    featureCompatibilityVersion: '8.0',
    members: [
      { name: 'shop-mongodb-0', state: 'PRIMARY', health: 'Healthy' },
      { name: 'shop-mongodb-1', state: 'SECONDARY', health: 'Healthy', optimeLagSeconds: 0 },
      { name: 'shop-mongodb-2', state: 'SECONDARY', health: 'Healthy', optimeLagSeconds: 0 },
    ],
  });
  expect(host(0)).toBe('shop-mongodb-0.shop-mongodb.auth.svc:27017');
});

test('looks again soon while something is under way, seldom at rest', () => {
  expect(planMongodb(seen()).recheckAt).toBe(NOW + 10_000);
  expect(planMongodb(seen(firstMember(held))).recheckAt).toBeLessThanOrEqual(NOW + 2_000);
  // Without pods there is nobody to ask, and everything else is watched.
  expect(planMongodb(seen({ members: [noMember(0), noMember(1)] })).recheckAt).toBe(NOW + 30_000);
});
