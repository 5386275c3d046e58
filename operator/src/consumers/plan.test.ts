import { describe, expect, test } from '@jest/globals';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { Condition } from '../runtime/objects.ts';
import type { ConsumerPlan } from './conditions.ts';
import { planConsumer, writeRefused } from './plan.ts';
import { planTerminating } from './terminating.ts';
import { aConsumer, aStack, authority, keys, seen, theCopy } from './testing/seen.ts';
import type { ConsumerObservation } from './types.ts';

function summary(observation: ConsumerObservation): object {
  const { conditions, actions } = planConsumer(observation);
  const told = Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status}/${reason}`]));
  return { ...told, does: actions.map(({ type }) => type) };
}

const { stack: _gone, ...withoutStack } = seen();
const { keys: _none, ...withoutKeys } = seen({ copy: { state: 'absent' } });
const { namespaceLabels: _unknown, ...withoutLabels } = seen();
const { ownerReferences: _owner, ...orphaned } = theCopy().metadata;
const orphan = { ...theCopy(), metadata: orphaned };
const edited = { ...theCopy(), data: { ...theCopy().data, issuer: btoa('https://evil.example.com') } };
const extended = { ...theCopy(), data: { ...theCopy().data, more: btoa('more') } };
const suspended = { ...aStack(), spec: { ...aStack().spec, suspend: true } };
const gone = { kid: 'k1', revokedAt: 0, mountsUntil: 0, cachesUntil: 0 };
const stripped = { ...theCopy(), metadata: { ...theCopy().metadata, labels: {} } };

const identity = {
  type: 'serviceAccount',
  name: 'orders',
  exists: true,
  issuer: { state: 'known', issuer: 'https://cluster', keys: [] },
} as const;

test.each<[string, ConsumerObservation, object]>([
  ['a copy as it should be is left alone', seen(), { Accepted: 'True/Accepted', InSync: 'True/InSync', does: [] }],
  ['a missing one is written', seen({ copy: { state: 'absent' } }), { InSync: 'False/Writing', does: ['create'] }],
  ['an edited one is replaced', seen({ copy: { state: 'ours', secret: edited } }), { does: ['replace'] }],
  ['a key that somebody added is removed', seen({ copy: { state: 'ours', secret: extended } }), { does: ['replace'] }],
  [
    'labels that somebody took off are put back',
    seen({ copy: { state: 'ours', secret: stripped } }),
    { does: ['replace'] },
  ],
  [
    'without a stack the copy stays, and whether it is current is unknown',
    withoutStack,
    { Accepted: 'False/StackNotFound', InSync: 'Unknown/StackNotFound', does: [] },
  ],
  [
    'while the stack is invalid nothing is given and nothing taken',
    seen({ stack: { ...aStack(), spec: { ...aStack().spec, consumers: 'all' as never } } }),
    { Accepted: 'Unknown/StackInvalid', InSync: 'Unknown/StackInvalid', does: [] },
  ],
  [
    'a suspended stack has nothing written',
    seen({ stack: suspended, copy: { state: 'absent' } }),
    { Accepted: 'True/Accepted', InSync: 'Unknown/StackSuspended', does: [] },
  ],
  [
    'a copy of a suspended stack is still in sync',
    seen({ stack: suspended }),
    { Accepted: 'True/Accepted', InSync: 'True/InSync', does: [] },
  ],
  [
    'a revoked key leaves the copy, also of a suspended stack',
    seen({ stack: suspended, keys: keys.slice(1), revoked: [gone] }),
    { InSync: 'False/Writing', does: ['replace'] },
  ],
  [
    'consent withdrawn takes the copy away, also of a suspended stack',
    seen({ stack: suspended, namespaceLabels: {} }),
    { Accepted: 'False/NamespaceNotAllowed', InSync: 'False/NotAccepted', does: ['delete'] },
  ],
  [
    'consent withdrawn takes the copy away',
    seen({ namespaceLabels: {} }),
    { Accepted: 'False/NamespaceNotAllowed', InSync: 'False/NotAccepted', does: ['delete'] },
  ],
  [
    'an audience of another stack is refused',
    seen({ consumer: aConsumer({ audience: 'bank' }) }),
    { Accepted: 'False/AudienceNotAllowed', does: ['delete'] },
  ],
  [
    "somebody else's Secret is never touched",
    seen({ copy: { state: 'foreign' } }),
    { Accepted: 'False/SecretNotOwned', does: [] },
  ],
  [
    "another consumer's copy is never touched",
    seen({ copy: { state: 'ofAnother', consumer: 'billing' } }),
    { Accepted: 'False/SecretInUse', does: [] },
  ],
  [
    'a stack in a namespace that is not watched may exist',
    { ...withoutStack, stackNamespace: 'not-listed' },
    { Accepted: 'Unknown/StackNotWatched', InSync: 'Unknown/StackNotWatched', does: [] },
  ],
  [
    'and so may one in a namespace that cannot be watched',
    { ...withoutStack, stackNamespace: 'refused' },
    { Accepted: 'Unknown/StackNotWatched', does: [] },
  ],
  [
    'a namespace whose labels are not known yet is neither allowed nor refused',
    withoutLabels,
    { Accepted: 'Unknown/NamespaceUnknown', InSync: 'Unknown/NamespaceUnknown', does: [] },
  ],
  [
    'a copy that lost its AuthConsumer is adopted',
    seen({ copy: { state: 'orphaned', secret: orphan } }),
    { Accepted: 'True/Accepted', InSync: 'False/Writing', does: ['replace'] },
  ],
  [
    'and left alone where there is no consent',
    seen({ copy: { state: 'orphaned', secret: orphan }, namespaceLabels: {} }),
    { Accepted: 'False/NamespaceNotAllowed', does: [] },
  ],
  [
    'an immutable one is left alone while it is current',
    seen({ copy: { state: 'ours', secret: { ...theCopy(), immutable: true } } }),
    { InSync: 'True/InSync', does: [] },
  ],
  [
    'and created again when it is not',
    seen({ copy: { state: 'ours', secret: { ...edited, immutable: true } } }),
    { InSync: 'False/Writing', does: ['delete', 'create'] },
  ],
  [
    'a stack without keys is waited for',
    withoutKeys,
    { Accepted: 'True/Accepted', InSync: 'False/WaitingForKeys', does: [] },
  ],
  [
    'a copy under a former name stays until the new one stands',
    seen({ copy: { state: 'absent' }, formerCopies: [theCopy('old')] }),
    { does: ['create'] },
  ],
  ['and goes once it does', seen({ formerCopies: [theCopy('old')] }), { does: ['delete'] }],
  [
    'a new copy waits for its client secret',
    seen({ copy: { state: 'absent' }, credential: { type: 'secret' } }),
    { Accepted: 'True/Accepted', InSync: 'False/WaitingForCredential', does: [] },
  ],
  [
    'one that stands keeps the secret that it has, whatever else changes',
    seen({ credential: { type: 'secret' } }),
    { InSync: 'True/InSync', does: [] },
  ],
  [
    'and gets the next one with the others',
    seen({ credential: { type: 'secret', secret: 'the next one' } }),
    { InSync: 'False/Writing', does: ['replace'] },
  ],
  [
    'a consumer whose ServiceAccount is missing is refused by the auth service, and its copy stays current',
    seen({ credential: { ...identity, exists: false } }),
    { Accepted: 'False/ServiceAccountNotFound', InSync: 'False/Writing', does: ['replace'] },
  ],
  [
    "so is one whose cluster's keys the operator may not read",
    seen({ credential: { ...identity, issuer: { state: 'forbidden', path: '/openid/v1/jwks' } } }),
    { Accepted: 'False/ClusterKeysForbidden', does: ['replace'] },
  ],
  [
    'while the API server does not tell them nobody knows',
    seen({ credential: { ...identity, issuer: { state: 'unreadable', why: '503' } } }),
    { Accepted: 'Unknown/ClusterKeysUnreadable', does: ['replace'] },
  ],
  [
    'a consumer with a ServiceAccount waits for no secret',
    seen({ copy: { state: 'absent' }, credential: identity }),
    { Accepted: 'True/Accepted', InSync: 'False/Writing', does: ['create'] },
  ],
])('%s', (_law, ...[observation, expected]) => {
  expect(summary(observation)).toMatchObject(expected);
});

test('a copy holds what a service needs and nothing of the stack that is private', () => {
  const [action] = planConsumer(seen({ copy: { state: 'absent' } })).actions;
  if (action?.type !== 'create') throw new Error('expected the copy to be created');
  const { data = {} } = action.object as ReturnType<typeof theCopy>;
  expect(Object.fromEntries(Object.entries(data).map(([key, value]) => [key, atob(value)]))).toEqual({
    'jwks.json': JSON.stringify({
      keys: keys.map(({ kid }) => ({ alg: 'ES256', crv: 'P-256', kid, kty: 'EC', use: 'sig', x: 'x', y: 'y' })),
    }),
    issuer: 'https://shop.example.com',
    origin: 'https://shop.example.com',
    audience: 'shop',
    'cookie-names': '{"token":"__Host-token","session":"__Host-session"}',
    'auth-url': 'https://main-auth.auth.svc:8443',
    'ca.crt': authority,
    'client-id': 'shop/orders',
    'client-secret': 'a client secret',
    'clock-skew-seconds': '60',
  });
});

test('a copy of a consumer with a ServiceAccount holds no secret', () => {
  const [action] = planConsumer(seen({ credential: identity })).actions;
  if (action?.type !== 'replace') throw new Error('expected the copy to be replaced');
  const { data = {} } = action.object as ReturnType<typeof theCopy>;
  expect(atob(data['client-id'] ?? '')).toBe('shop/orders');
  expect(data).not.toHaveProperty('client-secret');
});

test('a missing ServiceAccount is named with the command that makes it', () => {
  const { conditions } = planConsumer(seen({ credential: { ...identity, exists: false } }));
  const message = expect.stringContaining('kubectl -n shop create serviceaccount orders');
  expect(conditions).toContainEqual(expect.objectContaining({ type: 'Accepted', message }));
});

test('a changed clock skew of the stack is a changed copy', () => {
  const propagation = { clockSkew: '1m30s' };
  const [action] = planConsumer(seen({ stack: aStack({ signingKeys: { propagation } }) })).actions;
  if (action?.type !== 'replace') throw new Error('expected the copy to be replaced');
  const { data = {} } = action.object as ReturnType<typeof theCopy>;
  expect(atob(data['clock-skew-seconds'] ?? '')).toBe('90');
});

describe('the time of the last sync', () => {
  const before = '2023-11-14T22:00:00Z';
  const now = '2023-11-14T22:13:20Z';
  const inSync = (status: 'True' | 'False'): Condition[] => [
    { type: 'InSync', status, reason: 'Tested', message: '', lastTransitionTime: before },
  ];

  test.each<[string, AuthConsumer['status'], string]>([
    ['stays while nothing changes', { kids: ['k1', 'k2'], lastSyncTime: before, conditions: inSync('True') }, before],
    ['is that of the pass that finds the copy current', { lastSyncTime: before, conditions: inSync('False') }, now],
    [
      'is set after a pass that could not report its write',
      { kids: ['k1'], lastSyncTime: before, conditions: inSync('True') },
      now,
    ],
    ['is set by the first pass', {}, now],
  ])('%s', (_case, status, expected) => {
    const consumer = { ...aConsumer(), ...(status && { status }) };
    expect(planConsumer(seen({ consumer })).status).toEqual({ kids: ['k1', 'k2'], lastSyncTime: expected });
  });
});

test('the status of every plan has every field', () => {
  const { stack: _stack, ...lonely } = seen({ copy: { state: 'absent' } });
  for (const observation of [seen(), lonely, seen({ namespaceLabels: {} }), seen({ copy: { state: 'absent' } })]) {
    const { status, conditions } = planConsumer(observation);
    expect(Object.keys(status).sort()).toEqual(['acknowledgedKids', 'kids', 'lastSyncTime', 'revokedKeys']);
    expect(conditions.map(({ type }) => type)).toEqual(['Accepted', 'InSync']);
  }
});

test('what is refused says which object and what to do', () => {
  for (const copy of [{ state: 'foreign' }, { state: 'ofAnother', consumer: 'billing' }] as const) {
    const [accepted] = planConsumer(seen({ copy })).conditions;
    expect(accepted?.message).toMatch(/Secret auth .*spec\.secretName/);
  }
  const [accepted] = planConsumer(seen({ namespaceLabels: {}, stack: aStack() })).conditions;
  expect(accepted?.message).toMatch(/AuthStack auth\/main does not allow Namespace shop\. Label it/);
});

test('what the API server refuses is reported in its words, and tried again within 15 s', () => {
  const plan = writeRefused(seen({ copy: { state: 'absent' } }), 'admission webhook "policy" denied the request');
  expect(plan).toMatchObject({ actions: [], recheckAt: seen().now + 15_000 });
  expect(plan.conditions[1]).toMatchObject({ type: 'InSync', status: 'False', reason: 'WriteRefused' });
  expect(plan.conditions[1]?.message).toContain('admission webhook "policy" denied the request');
});

describe('an AuthConsumer that is Terminating', () => {
  const held = (...finalizers: string[]): ConsumerPlan => {
    const consumer = { ...aConsumer(), metadata: { ...aConsumer().metadata, finalizers } };
    return planTerminating({ consumer, now: 0, copies: [theCopy(), theCopy('old')] });
  };

  test('has none of its copies, and says what holds it', () => {
    const plan = held('example.com/hold');
    expect(plan.actions.map(({ type }) => type)).toEqual(['delete', 'delete']);
    expect(plan.conditions).toMatchObject([{ reason: 'Terminating' }, { reason: 'Terminating' }]);
    expect(plan.conditions[0]?.message).toContain('held by example.com/hold');
    expect(plan.status).toEqual({ kids: undefined, acknowledgedKids: undefined, lastSyncTime: undefined });
  });

  test('keeps them where --cascade=orphan asked for that', () => {
    expect(held('orphan').actions).toEqual([]);
  });
});
