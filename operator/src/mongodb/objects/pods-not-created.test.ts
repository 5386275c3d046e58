import { describe, expect, test } from '@jest/globals';
import type { StatefulSet } from '../../runtime/core-kinds.ts';
import { planMongodb } from '../plan.ts';
import {
  NOW,
  allVote,
  claim,
  inSet,
  initiatedIdentity,
  initiatingIdentity,
  member,
  noMember,
  seen,
} from '../testing/seen.ts';
import { now } from '../testing/summary.ts';
import type { Change } from '../testing/summary.ts';

const cause = 'pods "shop-mongodb-0" is forbidden: failed quota: small: must specify limits.cpu';

function statefulSet(annotations: Readonly<Record<string, string>> = {}): StatefulSet {
  const metadata = { name: 'shop-mongodb', namespace: 'auth', uid: 'set', generation: 1, annotations };
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, status: { observedGeneration: 1, replicas: 0 } };
}

const tried = (secondsAgo: number): StatefulSet =>
  statefulSet({ 'authstack.dev/pods-retried-at': new Date(NOW - secondsAgo * 1000).toISOString() });
const poke = {
  patch: 'shop-mongodb',
  metadata: { annotations: { 'authstack.dev/pods-retried-at': expect.anything() } },
};

const pending = claim(0, { creationTimestamp: new Date(NOW - 60_000).toISOString() });
const initiating: Change = {
  identity: initiatingIdentity(),
  rootUser: { state: 'absent' },
  authUser: { state: 'absent' },
  podsNotCreated: { cause },
  statefulSet: statefulSet(),
  members: [{ ...noMember(0), claim: { ...pending, status: { phase: 'Pending' } } }, noMember(1), noMember(2)],
};

describe('a StatefulSet that is refused its pods', () => {
  test('is reported with the cause, and not as a volume that is pending', () => {
    const { ready, message } = now(initiating);
    expect(ready).toBe('False/PodsNotCreated');
    expect(message).toContain(`Kubernetes cannot create Pod shop-mongodb-0: ${cause}`);
    expect(message).not.toContain('pvc');
  });

  test('is reported beside the members that serve', () => {
    const votes = allVote.slice(0, 2);
    const members = [
      member(0, inSet({ self: 'PRIMARY', votes })),
      member(1, inSet({ self: 'SECONDARY', votes })),
      noMember(2),
    ];
    const set = { podsNotCreated: { cause }, statefulSet: tried(1), members };
    const { message } = now(set);
    expect(message).toContain('shop-mongodb-2 has no pod');
    expect(message).toContain(`Kubernetes cannot create Pod shop-mongodb-2: ${cause}`);
    expect(now({ ...set, identity: initiatedIdentity({ formed: 0 }) }).ready).toBe('False/PodsNotCreated');
  });

  test('is made to try again every ten seconds, for its controller waits for minutes', () => {
    expect(now(initiating).does).toEqual([poke]);
    expect(now({ ...initiating, statefulSet: tried(9) }).does).toEqual([]);
    expect(now({ ...initiating, statefulSet: tried(10) }).does).toEqual([poke]);
    const { podsNotCreated: _gone, ...created } = initiating;
    expect(now({ ...created, statefulSet: tried(100) }).does).toEqual([]);
  });

  test('is looked at again as soon as a pod counts as missing, and for each attempt', () => {
    const { podsNotCreated, ...created } = initiating;
    const lacking = { ...statefulSet(), spec: { replicas: 1 } };
    expect(planMongodb(seen({ ...created, statefulSet: lacking })).recheckAt).toBe(NOW + 5_000);
    expect(planMongodb(seen({ ...created, ...(podsNotCreated && { podsNotCreated }) })).recheckAt).toBe(NOW + 10_000);
  });
});
