import { describe, expect, test } from '@jest/globals';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '../runtime/core-kinds.ts';
import { identityTexts } from '../stored/identity.ts';
import type { Initiated } from '../stored/identity.ts';
import type { Member, MongodbObservation, SeenAgent } from './members/observation.ts';
import { podTemplate, templateIdOf } from './objects/pod-template.ts';
import { planMongodb } from './plan.ts';
import {
  NOW,
  aStack,
  allVote,
  claim,
  configOf,
  held,
  images,
  inSet,
  initiatedIdentity,
  member,
  noMember,
  pod,
  seen,
} from './testing/seen.ts';
import type { InSet, Votes } from './testing/seen.ts';
import { summary } from './testing/summary.ts';

type Change = Partial<MongodbObservation>;
type Case = [law: string, change: Change, ready: string, does: object[]];

const pair: Votes = allVote.slice(0, 2);
const five: Votes = [...allVote, [3, 1], [4, 1]];
const now = (change: Change): ReturnType<typeof summary> => summary(planMongodb(seen(change)));
const replaced = (data: object): object => ({ replace: 'shop-mongodb-identity', ...data });
const reconfigure = (votes: Votes, by = 0): object => ({
  reconfigure: `shop-mongodb-${by}`,
  expectedVersion: 5,
  members: configOf(votes),
});
/** `count` members that vote, the first or another one being primary. */
function serving(
  count: number,
  { primary = 0, states = {}, ...set }: Partial<InSet> & { primary?: number } = {},
): Member[] {
  const votes = five.slice(0, count);
  const all = { 0: primary === 0 ? 'PRIMARY' : 'SECONDARY', [primary]: 'PRIMARY', ...states } as const;
  return Array.from({ length: count }, (_, ordinal) =>
    member(ordinal, inSet({ self: ordinal === primary ? 'PRIMARY' : 'SECONDARY', votes, ...set, states: all })),
  );
}
const withAgent = (members: readonly Member[], ordinal: number, agent: SeenAgent): Member[] =>
  members.map((one) => (one.ordinal === ordinal ? { ...one, agent } : one));
const recorded = (members: number, change: object = {}): Initiated =>
  initiatedIdentity({ members, formed: Math.min(members, 3), ...change });

describe('fewer and more members', () => {
  test.each<Case>([
    [
      'how many there are going to be is written down before the first joins',
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
      'ids that go are written down before',
      { identity: recorded(5), members: serving(5) },
      'True/AllMembersHealthy',
      [replaced({ 'next-member-id': '5' }), reconfigure(five.slice(0, 4))],
    ],
    [
      'a primary that is to leave hands over first',
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
      'pods go only once that is written down',
      { identity: recorded(5), members: [...serving(3), noMember(3), noMember(4)] },
      'True/AllMembersHealthy',
      [replaced({ members: '3' })],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('why none leaves is told', () => {
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

test('a stack made anew takes up what is there, once', () => {
  const identity = initiatedIdentity({ adoptedBy: 'stack-0' });
  expect(now({ identity, members: [0, 1, 2].map(noMember) })).toMatchObject({
    ready: 'False/Starting',
    does: [replaced({ 'adopted-by': 'stack-1' })],
  });
});

const template = podTemplate(aStack(), { images, version: '8.0' });
const newTemplate = podTemplate(aStack(), {
  images: { ...images, agent: 'authstack/mongodb-agent:2' },
  version: '8.0',
});
const current = templateIdOf(template);

function statefulSet(spec: Partial<StatefulSet['spec']> = {}): StatefulSet {
  const metadata = { name: 'shop-mongodb', namespace: 'auth', uid: 'set', generation: 2 };
  return {
    ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata },
    spec: { template, ...spec },
    status: { observedGeneration: 2 },
  };
}

function ofTemplate(one: Member, id: string | undefined, status: object = {}): Member {
  const { metadata, ...rest } = pod(one.ordinal, status);
  return { ...one, pod: { ...rest, metadata: { ...metadata, annotations: { 'authstack.dev/template': id ?? '' } } } };
}

function ending(one: Member): Member {
  const { metadata, ...rest } = pod(one.ordinal);
  const gone = { deletionTimestamp: new Date(NOW + 60_000).toISOString() };
  return { ...one, pod: { ...rest, metadata: { ...metadata, ...gone } } };
}

const ran = { containerStatuses: [{ name: 'mongod', ready: true, restartCount: 0, state: { running: {} } }] };
const crashing = {
  containerStatuses: [
    { name: 'mongod', ready: false, restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } } },
  ],
};
const old = (members: readonly Member[], ...ordinals: number[]): Member[] =>
  members.map((one) => ofTemplate(one, ordinals.includes(one.ordinal) ? 'older' : current, ran));

describe('a member whose pod was told to end', () => {
  const newcomers: Votes = [
    [0, 1],
    [1, 1],
    [2, 0],
  ];
  const goingAway = (agent: SeenAgent): Member => ending(member(2, agent));
  const others = (votes: Votes): Member[] => [
    member(0, inSet({ self: 'PRIMARY', votes })),
    member(1, inSet({ self: 'SECONDARY', votes })),
  ];
  test.each<[string, Member[]]>([
    ['gets no vote', [...others(newcomers), goingAway(inSet({ self: 'SECONDARY', votes: newcomers }))]],
    ['is not started', [...others(newcomers), goingAway(held)]],
    ['does not join', [...others(pair), goingAway(held)]],
    ['counts as missing before it is', serving(3).map((one) => (one.ordinal === 2 ? ending(one) : one))],
  ])('%s', (_law, members) => {
    expect(now({ members })).toMatchObject({ ready: 'True/Degraded', does: [] });
  });
});

test('a member in RECOVERING is told with the way out, in case it stays there', () => {
  const { ready, message } = now({ members: serving(3, { states: { 1: 'RECOVERING' } }) });
  expect(ready).toBe('True/Degraded');
  expect(message).toMatch(
    /shop-mongodb-1 is RECOVERING\. .*kubectl -n auth annotate authstack shop authstack.dev\/resync-member=1/,
  );
});

describe('restarts for a new template', () => {
  test.each<Case>([
    [
      'secondaries go first, the last one before the others',
      { statefulSet: statefulSet(), members: old(serving(3), 0, 1, 2) },
      'True/UpgradePending',
      [{ delete: 'shop-mongodb-2' }],
    ],
    [
      'the primary hands over when all others are done',
      { statefulSet: statefulSet(), members: old(serving(3), 0) },
      'True/UpgradePending',
      [{ stepDown: 'shop-mongodb-0' }],
    ],
    [
      'and goes as the secondary that it is then',
      { statefulSet: statefulSet(), members: old(serving(3, { primary: 1 }), 0) },
      'True/UpgradePending',
      [{ delete: 'shop-mongodb-0' }],
    ],
    [
      'none goes while another does not serve',
      { statefulSet: statefulSet(), members: old(serving(3, { states: { 1: 'RECOVERING' } }), 0, 2) },
      'True/Degraded',
      [],
    ],
    [
      'none goes while another is told to end, though the primary still hears of it',
      {
        statefulSet: statefulSet(),
        members: old(serving(3), 0, 1).map((one) => (one.ordinal === 2 ? ending(one) : one)),
      },
      'True/Degraded',
      [],
    ],
    [
      'none goes while another does not say itself that it serves',
      { statefulSet: statefulSet(), members: withAgent(old(serving(3), 0, 1), 2, 'unknown') },
      'True/UpgradePending',
      [],
    ],
    [
      'none goes while another is behind',
      { statefulSet: statefulSet(), members: old(serving(3, { lagSeconds: 30 }), 0, 1, 2) },
      'True/UpgradePending',
      [],
    ],
    [
      'what does not run goes at once',
      {
        statefulSet: statefulSet(),
        members: old(
          withAgent(serving(3, { states: { 0: 'PRIMARY', 2: 'DOWN' } }), 2, {
            ...held,
            volume: { state: 'data' },
            gate: 'released',
          }),
          0,
          2,
        ),
      },
      'True/Degraded',
      [{ delete: 'shop-mongodb-2' }],
    ],
    [
      'what waits to be started again goes at once, although nobody is primary',
      {
        ...{ identity: recorded(1), stack: aStack({ members: 1 }) },
        statefulSet: statefulSet(),
        members: [ofTemplate(member(0, { ...held, volume: { state: 'data' } }), 'older', crashing)],
      },
      'False/ContainerCrashes',
      [{ delete: 'shop-mongodb-0' }],
    ],
    [
      'a member that is alone just restarts',
      {
        ...{ identity: recorded(1), stack: aStack({ members: 1 }) },
        statefulSet: statefulSet(),
        members: old(serving(1), 0),
      },
      'True/UpgradePending',
      [{ delete: 'shop-mongodb-0' }],
    ],
    [
      'none goes while new pods might still be of the older template',
      {
        statefulSet: { ...statefulSet(), status: { observedGeneration: 1 } },
        members: old(serving(3), 0, 1, 2),
      },
      'True/AllMembersHealthy',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('`kubectl rollout restart` restarts the members one by one, the last one first', () => {
    const restartedAt = { 'kubectl.kubernetes.io/restartedAt': '2030-01-01T00:00:00Z' };
    const asked = statefulSet({
      template: { ...template, metadata: { annotations: { ...template.metadata?.annotations, ...restartedAt } } },
    });
    const members = old(serving(3)).map((one) =>
      one.ordinal === 2 && one.pod ? { ...one, pod: annotated(one.pod, restartedAt) } : one,
    );
    expect(now({ statefulSet: asked, members })).toMatchObject({
      ready: 'True/UpgradePending',
      message: expect.stringContaining('Restarting shop-mongodb-1'),
      does: [{ delete: 'shop-mongodb-1' }],
    });
    expect(appliedTemplate({ statefulSet: asked, members })).toBe(current);
  });

  function annotated({ metadata, ...rest }: Pod, annotations: Readonly<Record<string, string>>): Pod {
    return { ...rest, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
  }

  const onRequest = (annotations = {}): MongodbObservation['stack'] => {
    const stack = aStack({ annotations });
    return { ...stack, spec: { ...stack.spec, updates: { policy: 'OnRequest' } } };
  };
  const newImages = { ...images, agent: 'authstack/mongodb-agent:2' };
  const appliedTemplate = (change: Change): string | undefined => {
    const set = planMongodb(seen(change)).actions.find(
      (action) => action.type === 'apply' && action.kind.kind === 'StatefulSet',
    );
    const { object } = set as unknown as { object: { spec: { template: typeof template } } };
    return templateIdOf(object.spec.template);
  };

  test('OnRequest: the template that stands stays, and the one that waits is named', () => {
    const change = { stack: onRequest(), statefulSet: statefulSet(), members: old(serving(3)), images: newImages };
    expect(appliedTemplate(change)).toBe(current);
    expect(now(change)).toMatchObject({
      ready: 'True/UpgradePending',
      message: expect.stringContaining(`authstack.dev/update-members=${templateIdOf(newTemplate) ?? ''}`),
      does: [],
    });
  });

  test('OnRequest: only the very template that was asked for comes', () => {
    const asked = { 'authstack.dev/update-members': templateIdOf(newTemplate) };
    const change = { stack: onRequest(asked), statefulSet: statefulSet(), members: old(serving(3)), images: newImages };
    expect(appliedTemplate(change)).toBe(templateIdOf(newTemplate));
    const yetAnother = { ...change, images: { ...images, agent: 'authstack/mongodb-agent:3' } };
    expect(appliedTemplate(yetAnother)).toBe(current);
  });

  test('Automatic: the new template is applied', () => {
    const change = { statefulSet: statefulSet(), members: old(serving(3)), images: newImages };
    expect(appliedTemplate(change)).toBe(templateIdOf(newTemplate));
  });
});

describe('versions', () => {
  const of = (version: string): MongodbObservation['stack'] => aStack({ mongodb: { version } });
  const all = { ...images, mongodb: { '4.4': 'm:4', '5.0': 'm:5', '6.0': 'm:6', '7.0': 'm:7' } };
  const stored = (version: string, fcv: string, change = {}): Change => ({
    images: all,
    identity: initiatedIdentity({ version, featureCompatibilityVersion: fcv, ...change }),
  });
  const running = (version: string, fcv: string, states: InSet['states'] = {}): Member[] =>
    serving(3, { states }).map((one) => {
      if (one.agent === 'unknown') return one;
      const mongod = { state: 'answers', version: `${version}.9`, featureCompatibilityVersion: fcv } as const;
      return { ...one, agent: { ...one.agent, mongod } };
    });
  const MINUTE = 60_000;

  test.each<Case>([
    [
      'the next one is written down before any member runs it',
      { ...stored('5.0', '5.0'), stack: of('6.0'), members: running('5.0', '5.0') },
      'True/AllMembersHealthy',
      [replaced({ version: '6.0' })],
    ],
    [
      'none is skipped',
      { ...stored('5.0', '5.0'), stack: of('7.0'), members: running('5.0', '5.0') },
      'True/VersionRefused',
      [],
    ],
    [
      'the one after the next waits for the feature compatibility of the next',
      { ...stored('6.0', '5.0'), stack: of('7.0'), members: running('6.0', '5.0', { 1: 'RECOVERING' }) },
      'True/Degraded',
      [],
    ],
    [
      'there is no way below the feature compatibility',
      { ...stored('6.0', '6.0'), stack: of('5.0'), members: running('6.0', '6.0') },
      'True/VersionRefused',
      [],
    ],
    [
      'the way back to it is open, also when members do not come up',
      { ...stored('6.0', '5.0'), stack: of('5.0'), members: running('6.0', '5.0', { 2: 'DOWN' }) },
      'True/Degraded',
      [replaced({ version: '5.0' })],
    ],
    [
      'no upgrade begins while a member is missing',
      { ...stored('5.0', '5.0'), stack: of('6.0'), members: running('5.0', '5.0', { 2: 'DOWN' }) },
      'True/Degraded',
      [],
    ],
    [
      'when all run it is written down',
      { ...stored('6.0', '5.0'), stack: of('6.0'), members: running('6.0', '5.0') },
      'True/AllMembersHealthy',
      [replaced({ 'upgraded-at': new Date(NOW).toISOString() })],
    ],
    [
      'not before the last one does',
      {
        ...{ ...stored('6.0', '5.0'), stack: of('6.0') },
        members: [...running('6.0', '5.0').slice(0, 2), ...running('5.0', '5.0').slice(2)],
      },
      'True/AllMembersHealthy',
      [],
    ],
    [
      'the time begins anew when one fails',
      {
        ...{ ...stored('6.0', '5.0', upgradedAgo(MINUTE)), stack: of('6.0') },
        members: running('6.0', '5.0', { 2: 'DOWN' }),
      },
      'True/Degraded',
      [replaced({ 'upgraded-at': '' })],
    ],
    [
      'feature compatibility waits a while',
      { ...stored('6.0', '5.0', upgradedAgo(MINUTE)), stack: of('6.0'), members: running('6.0', '5.0') },
      'True/AllMembersHealthy',
      [],
    ],
    [
      'and is then raised',
      { ...stored('6.0', '5.0', upgradedAgo(2 * MINUTE)), stack: of('6.0'), members: running('6.0', '5.0') },
      'True/AllMembersHealthy',
      [{ raiseCompatibility: 'shop-mongodb-0', version: '6.0' }],
    ],
    [
      'which is written down at last',
      { ...stored('6.0', '5.0', upgradedAgo(2 * MINUTE)), stack: of('6.0'), members: running('6.0', '6.0') },
      'True/AllMembersHealthy',
      [replaced({ 'feature-compatibility': '6.0', 'upgraded-at': '' })],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('what is refused names what can be had', () => {
    const skipping = { ...stored('5.0', '5.0'), stack: of('7.0'), members: running('5.0', '5.0') };
    expect(now(skipping).message).toContain('Set spec.mongodb.version to 5.0 or 6.0');
  });

  function upgradedAgo(millis: number): object {
    const data = {
      ...{ version: '6.0', members: '3', 'feature-compatibility': '5.0', formed: '3' },
      'upgraded-at': new Date(NOW - millis).toISOString(),
    };
    return { upgradedAt: NOW - millis, data };
  }
});

const asking = (
  name: string,
  ordinal: number | string,
  rest: Parameters<typeof aStack>[0] = {},
): MongodbObservation['stack'] =>
  aStack({ ...rest, annotations: { [`authstack.dev/${name}-member`]: String(ordinal) } });
const rebuilding = (what: 'data' | 'volume', ordinal = 2): Initiated =>
  initiatedIdentity({ rebuilding: { what, ordinal, claimUid: `claim-${ordinal}` }, nextMemberId: 9 });
const withoutLast = (agent: SeenAgent, change: Partial<Member> = {}): Member[] => [
  member(0, inSet({ self: 'PRIMARY', votes: pair })),
  member(1, inSet({ self: 'SECONDARY', votes: pair })),
  member(2, agent, change),
];
const removed = inSet({ self: 'REMOVED', votes: [] });
const fenced = (agent: Exclude<SeenAgent, 'unknown'>): SeenAgent => ({
  ...agent,
  volume: { ...agent.volume, fenced: true },
});

describe('a member that is to begin anew', () => {
  test.each<Case>([
    [
      'it is written down first',
      { stack: asking('replace', 2) },
      'True/AllMembersHealthy',
      [replaced({ rebuilding: 'volume 2 claim-2' })],
    ],
    [
      'then it leaves the set',
      { stack: asking('replace', 2), identity: rebuilding('volume') },
      'True/AllMembersHealthy',
      [reconfigure(pair)],
    ],
    [
      'a primary hands over before',
      { stack: asking('resync', 0), identity: rebuilding('data', 0) },
      'True/AllMembersHealthy',
      [{ stepDown: 'shop-mongodb-0' }],
    ],
    [
      'not where the others have no majority',
      {
        ...{ stack: asking('replace', 2), identity: rebuilding('volume') },
        members: serving(3, { states: { 1: 'DOWN' } }),
      },
      'True/Degraded',
      [],
    ],
    [
      'then volume and pod go',
      { stack: asking('replace', 2), identity: rebuilding('volume'), members: withoutLast('unknown') },
      'True/Degraded',
      [{ delete: 'data-shop-mongodb-2' }, { delete: 'shop-mongodb-2' }],
    ],
    [
      'a pod that ends gets its time',
      {
        ...{ stack: asking('replace', 2), identity: rebuilding('volume') },
        members: withoutLast('unknown', { ...ending(NOW + 1), claim: claim(2, { deletionTimestamp: 'now' }) }),
      },
      'True/Degraded',
      [],
    ],
    [
      'a pod whose kubelet never says that it ended is removed',
      {
        ...{ stack: asking('replace', 2), identity: rebuilding('volume') },
        members: withoutLast('unknown', { ...ending(NOW - 1), claim: claim(2, { deletionTimestamp: 'now' }) }),
      },
      'True/Degraded',
      [{ delete: 'shop-mongodb-2', gracePeriodSeconds: 0 }],
    ],
    [
      'with another volume the wish is granted',
      {
        ...{ stack: asking('replace', 2), identity: rebuilding('volume') },
        members: withoutLast(held, { claim: claim(2, { uid: 'claim-new' }) }),
      },
      'True/Degraded',
      [replaced({ rebuilding: '', rebuilt: 'volume 2' })],
    ],
    [
      'and not again for as long as it is asked for',
      { stack: asking('replace', 2), identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }] }) },
      'True/AllMembersHealthy',
      [],
    ],
    [
      'until it is asked for no more',
      { identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }] }) },
      'True/AllMembersHealthy',
      [replaced({ rebuilt: '' })],
    ],
    [
      'another wish is another matter',
      { stack: asking('resync', 2), identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }] }) },
      'True/AllMembersHealthy',
      [replaced({ rebuilding: 'data 2 claim-2' })],
    ],
    [
      'on its own volume it is fenced once it has left',
      { stack: asking('resync', 2), identity: rebuilding('data'), members: withoutLast(removed) },
      'True/Degraded',
      [{ fence: 'shop-mongodb-2', fenced: true }],
    ],
    [
      'then its mongod ends',
      { stack: asking('resync', 2), identity: rebuilding('data'), members: withoutLast(fenced(removed)) },
      'True/Degraded',
      [{ delete: 'shop-mongodb-2' }],
    ],
    [
      'one that has not come to its gate yet will be held there',
      {
        ...{ stack: asking('resync', 2), identity: rebuilding('data') },
        members: withoutLast(fenced({ ...held, gate: 'unknown' })),
      },
      'True/Degraded',
      [],
    ],
    [
      'then the volume is emptied',
      {
        ...{ stack: asking('resync', 2), identity: rebuilding('data') },
        members: withoutLast(fenced({ ...held, volume: { state: 'unreadable' } })),
      },
      'True/Degraded',
      [{ wipe: 'shop-mongodb-2', pvcUid: 'claim-2' }],
    ],
    [
      'emptied, the wish is granted',
      { stack: asking('resync', 2), identity: rebuilding('data'), members: withoutLast(held) },
      'True/Degraded',
      [replaced({ rebuilding: '', rebuilt: 'data 2' })],
    ],
    [
      'nobody asks any more: it stays as it is',
      { identity: rebuilding('data') },
      'True/AllMembersHealthy',
      [replaced({ rebuilding: '' })],
    ],
    [
      'a member whose Node was deleted is replaced unasked',
      { members: withoutLastNode() },
      'True/Degraded',
      [replaced({ rebuilding: 'volume 2 claim-2' })],
    ],
    [
      'what was done is no slip when the member is gone since',
      {
        stack: asking('replace', 2, { members: 1 }),
        identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }], members: 1, formed: 1 }),
        members: serving(1),
      },
      'True/AllMembersHealthy',
      [],
    ],
    [
      'a second wish is served beside one that was done',
      {
        stack: aStack({
          annotations: { 'authstack.dev/replace-member': '2', 'authstack.dev/resync-member': '1' },
        }),
        identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }] }),
      },
      'True/AllMembersHealthy',
      [replaced({ rebuilding: 'data 1 claim-1' })],
    ],
    [
      'and remembered beside it',
      {
        stack: aStack({
          annotations: { 'authstack.dev/replace-member': '2', 'authstack.dev/resync-member': '2' },
        }),
        identity: initiatedIdentity({
          rebuilt: [{ what: 'volume', ordinal: 2 }],
          rebuilding: { what: 'data', ordinal: 2, claimUid: 'claim-2' },
        }),
        members: withoutLast(held),
      },
      'True/Degraded',
      [replaced({ rebuilding: '', rebuilt: 'volume 2,data 2' })],
    ],
    ['a member that does not exist', { stack: asking('replace', 7) }, 'True/RequestInvalid', []],
    ['a member that is none', { stack: asking('resync', 'all') }, 'True/RequestInvalid', []],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  function ending(at: number): Partial<Member> {
    const { metadata, ...rest } = pod(2);
    return { pod: { ...rest, metadata: { ...metadata, deletionTimestamp: new Date(at).toISOString() } } };
  }

  function withoutLastNode(): Member[] {
    return serving(3, { states: { 2: 'DOWN' } }).map((one) =>
      one.ordinal === 2 ? { ...one, agent: 'unknown', isNodeGone: true } : one,
    );
  }
});

describe('a fenced member', () => {
  const held2 = { ...held, volume: { state: 'data', fenced: true } } as const;
  test.each<Case>([
    [
      'is told to its agent',
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
      'hands over before, if it is primary',
      { stack: asking('fence', 0) },
      'True/AllMembersHealthy',
      [{ stepDown: 'shop-mongodb-0' }],
    ],
    [
      'comes back when nobody asks for it any more',
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

describe('volumes', () => {
  const GIB = 2 ** 30;
  const sized = (ordinal: number, request: string, capacity = request): PersistentVolumeClaim => ({
    ...claim(ordinal),
    spec: { storageClassName: 'fast', resources: { requests: { storage: request } } },
    status: { phase: 'Bound', capacity: { storage: capacity } },
  });
  const filled = (
    members: readonly Member[],
    { percent, sizes }: { percent: number; sizes: readonly string[] },
  ): Member[] =>
    members.map((one) => {
      if (one.agent === 'unknown') return one;
      const [request = '10Gi', capacity = request] = (sizes[one.ordinal] ?? '10Gi').split('/');
      const space = { capacityBytes: 10 * GIB, availableBytes: 10 * GIB * (1 - percent / 100) };
      const volume = { ...one.agent.volume, ...space };
      return { ...one, claim: sized(one.ordinal, request, capacity), agent: { ...one.agent, volume } };
    });
  const growing = (storage: object, change: Change = {}): Change => ({
    ...{ stack: aStack({ mongodb: { storage: { className: 'fast', ...storage } } }), volumesCanGrow: true },
    ...change,
  });
  const grow = (ordinal: number, storage: string): object => ({
    patch: `data-shop-mongodb-${ordinal}`,
    spec: { resources: { requests: { storage } } },
  });
  const members = (percent: number, ...sizes: string[]): Member[] => filled(serving(3), { percent, sizes });

  test.each<Case>([
    [
      'grow when the spec does',
      growing({ size: '20Gi' }, { members: members(10, '10Gi', '20Gi', '10Gi') }),
      'True/AllMembersHealthy',
      [grow(0, '20Gi'), grow(2, '20Gi')],
    ],
    [
      'do not where their class cannot, and that is told',
      growing({ size: '20Gi' }, { members: members(10), volumesCanGrow: false }),
      'True/VolumeCannotGrow',
      [],
    ],
    ['nearly full are told', growing({ size: '10Gi' }, { members: members(91) }), 'True/VolumeFull', []],
    [
      'nearly full grow by half by themselves, where that is wanted',
      growing({ size: '10Gi', autoGrow: { maxSize: '100Gi' } }, { members: members(80) }),
      'True/AllMembersHealthy',
      [grow(0, '15Gi'), grow(1, '15Gi'), grow(2, '15Gi')],
    ],
    [
      'grow by themselves up to the limit',
      growing({ size: '10Gi', autoGrow: { maxSize: '12Gi' } }, { members: members(85) }),
      'True/AllMembersHealthy',
      [grow(0, '12Gi'), grow(1, '12Gi'), grow(2, '12Gi')],
    ],
    [
      'at the limit are told',
      growing({ size: '10Gi', autoGrow: { maxSize: '10Gi' } }, { members: members(95) }),
      'True/VolumeFull',
      [],
    ],
    [
      'are not asked again while they grow',
      growing(
        { size: '10Gi', autoGrow: { maxSize: '100Gi' } },
        { members: members(85, '15Gi/10Gi', '15Gi/10Gi', '15Gi/10Gi') },
      ),
      'True/AllMembersHealthy',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('that are full say which field helps', () => {
    const full = {
      ...growing({ size: '10Gi' }),
      members: withAgent(filled(serving(3, { states: { 2: 'DOWN' } }), { percent: 10, sizes: [] }), 2, fullAndDown()),
    };
    expect(now(full).message).toContain('Raise spec.mongodb.storage.size, now 10Gi,');
  });

  test('a StatefulSet with claim templates of another size is made anew, and its pods are left', () => {
    const older = statefulSet({ volumeClaimTemplates: [sized(0, '10Gi')] });
    const change = growing({ size: '20Gi' }, { statefulSet: older, members: members(10, '20Gi', '20Gi', '20Gi') });
    const { actions } = planMongodb(seen(change));
    expect(actions).toContainEqual({
      ...{ type: 'delete', kind: expect.objectContaining({ kind: 'StatefulSet' }) },
      target: { namespace: 'auth', name: 'shop-mongodb', uid: 'set', propagation: 'Orphan' },
    });
    expect(actions).not.toContainEqual(
      expect.objectContaining({ type: 'apply', kind: expect.objectContaining({ kind: 'StatefulSet' }) }),
    );
  });

  function fullAndDown(): SeenAgent {
    const space = { capacityBytes: 10 * GIB, availableBytes: 0 };
    return { ...held, volume: { state: 'data', ...space }, gate: 'released' };
  }
});

test('a stack made anew may ask for the next version, which comes once all members serve', () => {
  const identity = initiatedIdentity({ adoptedBy: 'stack-0', version: '6.0', featureCompatibilityVersion: '6.0' });
  const asking = (version: string): ReturnType<typeof now> =>
    now({ identity, stack: aStack({ mongodb: { version } }), members: [0, 1, 2].map(noMember) });
  expect(asking('7.0').does).toEqual([replaced({ ...identityTexts(identity), 'adopted-by': 'stack-1' })]);
  expect(asking('8.0').ready).toBe('False/AdoptionRefused');
  expect(asking('5.0').ready).toBe('False/AdoptionRefused');
});

describe('hibernation', () => {
  const asleep = aStack({ mongodb: { hibernate: true } });

  test('no member runs, and the volumes stay', () => {
    const plan = planMongodb(seen({ stack: asleep }));
    expect(summary(plan)).toMatchObject({ ready: 'False/Hibernated', does: [] });
    expect(JSON.stringify(plan.actions)).toContain('"replicas":0');
    expect(
      now({ stack: asleep, members: [0, 1, 2].map((ordinal) => ({ ...noMember(ordinal), claim: claim(ordinal) })) }),
    ).toMatchObject({
      ready: 'False/Hibernated',
      message: expect.stringContaining('spec.mongodb.hibernate: false'),
    });
  });
});

describe('a lost keyfile', () => {
  test('is made again from a member that runs', () => {
    expect(now({ keyfile: { state: 'absent' } })).toMatchObject({
      ready: 'True/Degraded',
      does: [{ recoverKeyfile: 'shop-mongodb-0' }],
    });
  });

  test('is not taken from a member whose mongod does not run', () => {
    expect(now({ keyfile: { state: 'absent' }, members: [member(0, held)] }).does).toEqual([]);
  });
});
