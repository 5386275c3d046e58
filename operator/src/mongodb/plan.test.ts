import { describe, expect, test } from '@jest/globals';
import { planMongodb } from './plan.ts';
import type { MongodbPlan } from './plan.ts';
import { NOW, aStack, claim, held, initiatedIdentity, noMember, seen } from './testing/seen.ts';
import { absent, firstMember } from './testing/sets.ts';
import { now, summary } from './testing/summary.ts';
import type { Case, Change } from './testing/summary.ts';

/** Nothing but the stack. */
const nothing: Change = {
  identity: absent,
  keyfile: absent,
  rootUser: absent,
  authUser: absent,
  members: [noMember(0), noMember(1), noMember(2)],
};
const kindsApplied = ({ actions }: MongodbPlan): string[] =>
  actions.flatMap((action) => (action.type === 'apply' ? [action.kind.kind] : []));

const anotherLife = initiatedIdentity({ adoptedBy: 'stack-0' });

describe('a prerequisite that is missing', () => {
  test.each<Case>([
    ['a foreign Secret', { keyfile: { state: 'foreign' } }, 'True/Degraded', []],
    ['a foreign identity', { identity: { state: 'foreign' } }, 'False/IdentityNotOwned', []],
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
      'another version than the stored one, requested by a stack that was created again',
      {
        identity: anotherLife,
        stack: aStack({ mongodb: { version: '6.0' } }),
        members: [noMember(0), noMember(1), noMember(2)],
      },
      'False/AdoptionRefused',
      [],
    ],
    [
      'fewer members than the set has, requested by a stack that was created again',
      {
        identity: anotherLife,
        stack: aStack({ members: 1 }),
        members: [0, 1, 2].map((ordinal) => ({ ...noMember(ordinal), claim: claim(ordinal) })),
      },
      'False/AdoptionRefused',
      [],
    ],
    ['a lost keyfile', { keyfile: absent, members: [noMember(0)] }, 'False/KeyfileLost', []],
  ])('%s is reported, and nothing is started', (...[, change, ready, does]) => {
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
    for (const change of changes) expect(now(change).ready).toBe('True/Degraded');
    const routine: Change[] = [
      { rootUser: absent },
      { authUser: { state: 'present', fingerprint: '1', isCurrent: false } },
      { authUser: { state: 'present', fingerprint: '2', isCurrent: true } },
    ];
    for (const change of routine) expect(now(change).ready).toBe('True/AllMembersHealthy');
  });
});

test('the next pass is soon while something is under way, and later at rest', () => {
  expect(planMongodb(seen()).recheckAt).toBe(NOW + 10_000);
  expect(planMongodb(seen(firstMember(held))).recheckAt).toBeLessThanOrEqual(NOW + 2_000);
  // Without pods there is nobody to ask, and everything else is watched.
  expect(planMongodb(seen({ members: [noMember(0), noMember(1)] })).recheckAt).toBe(NOW + 30_000);
});
