import { expect, test } from '@jest/globals';
import type { Member } from './members/observation.ts';
import { planMongodb } from './plan.ts';
import { NOW, aStack, claim, inSet, initiatedIdentity, member, seen } from './testing/seen.ts';
import type { Change } from './testing/summary.ts';

/** Volumes of 10Gi where the spec asks for 20Gi. */
const small = [0, 1, 2].map((ordinal): Member => {
  const agent = inSet({ self: 'SECONDARY', votes: [[ordinal, 1]], replicaSetId: `65a00000000000000000000${ordinal}` });
  const spec = { storageClassName: 'fast', resources: { requests: { storage: '10Gi' } } };
  return member(ordinal, agent, { claim: { ...claim(ordinal), spec } });
});
const storage = { className: 'fast', size: '20Gi' };

test.each<[string, Change]>([
  [
    'AdoptionRefused',
    {
      stack: aStack({ mongodb: { version: '6.0', storage } }),
      identity: initiatedIdentity({ adoptedBy: 'stack-0' }),
    },
  ],
  ['ForeignData', { stack: aStack({ mongodb: { storage } }) }],
  ['SecretNotOwned', { stack: aStack({ mongodb: { storage } }), keyfile: { state: 'foreign' } }],
  ['SecretMalformed', { stack: aStack({ mongodb: { storage } }), keyfile: { state: 'malformed', why: 'keyfile' } }],
  ['IdentityMalformed', { stack: aStack({ mongodb: { storage } }), identity: { state: 'malformed', why: 'state' } }],
  [
    'ObjectNotLabelled',
    { stack: aStack({ mongodb: { storage } }), unlabelled: [{ kind: 'Pod', name: 'shop-mongodb-1' }] },
  ],
])('%s changes nothing, and enlarges no volume', (reason, change) => {
  const plan = planMongodb(seen({ volumesCanGrow: true, members: small, ...change }));
  expect(plan.conditions[0]).toMatchObject({ status: 'False', reason });
  expect(plan.actions).toEqual([]);
  // Only a person can bring it on.
  expect(plan.stalled).toMatchObject({ reason });
});

test('an object of ours whose label was taken off is reported as exactly that, with the command', () => {
  const plan = planMongodb(seen({ unlabelled: [{ kind: 'Pod', name: 'shop-mongodb-1' }], members: small }));
  expect(plan.conditions[0]?.message).toMatch(
    /^Pod shop-mongodb-1 exists and lacks the label app.kubernetes.io\/managed-by/,
  );
  expect(plan.conditions[0]?.message).toContain('kubectl -n auth label --overwrite pod shop-mongodb-1');
});

test('a stack that hibernates as requested never counts as stalled, however long', () => {
  const lastTransitionTime = new Date(NOW - 86_400_000).toISOString();
  const condition = { type: 'DatabaseReady', status: 'False', reason: 'Hibernated', message: 'x', lastTransitionTime };
  const stack = { ...aStack({ mongodb: { hibernate: true } }), status: { conditions: [condition] } } as Change['stack'];
  const plan = planMongodb(seen({ ...(stack && { stack }) }));
  expect(plan.conditions[0]).toMatchObject({ status: 'False', reason: 'Hibernated' });
  expect(plan.stalled).toBeUndefined();
});
