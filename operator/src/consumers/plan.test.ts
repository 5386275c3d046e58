import { describe, expect, test } from '@jest/globals';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { Condition } from '../runtime/objects.ts';
import { planConsumer } from './plan.ts';
import { aConsumer, aStack, authority, keys, seen, theCopy } from './testing/seen.ts';
import type { ConsumerObservation } from './types.ts';

function summary(observation: ConsumerObservation): object {
  const { conditions, actions } = planConsumer(observation);
  const told = Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status}/${reason}`]));
  return { ...told, does: actions.map(({ type }) => type) };
}

const { stack: _gone, ...withoutStack } = seen();
const { keys: _none, ...withoutKeys } = seen({ copy: { state: 'absent' } });
const edited = { ...theCopy(), data: { ...theCopy().data, issuer: btoa('https://evil.example.com') } };
const extended = { ...theCopy(), data: { ...theCopy().data, more: btoa('more') } };
const suspended = { ...aStack(), spec: { ...aStack().spec, suspend: true } };
const stripped = { ...theCopy(), metadata: { ...theCopy().metadata, labels: {} } };

test.each<[string, ConsumerObservation, object]>([
  ['a copy as it should be is left alone', seen(), { Accepted: 'True/Accepted', InSync: 'True/InSync', does: [] }],
  ['a missing one is written', seen({ copy: { state: 'absent' } }), { InSync: 'False/Writing', does: ['create'] }],
  ['an edited one is mended', seen({ copy: { state: 'ours', secret: edited } }), { does: ['replace'] }],
  ['a key that somebody added goes', seen({ copy: { state: 'ours', secret: extended } }), { does: ['replace'] }],
  ['labels that somebody took away return', seen({ copy: { state: 'ours', secret: stripped } }), { does: ['replace'] }],
  [
    'without a stack the copy stays, and nobody knows whether it is right',
    withoutStack,
    { Accepted: 'False/StackNotFound', InSync: 'Unknown/StackNotFound', does: [] },
  ],
  [
    'whom a broken stack allows nobody can tell, so nothing is given or taken',
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
])('%s', (_law, ...[observation, expected]) => {
  expect(summary(observation)).toMatchObject(expected);
});

test('a copy holds what a service needs and nothing private', () => {
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
    'auth-url': 'http://main-auth.auth.svc:8080',
    'ca.crt': authority,
  });
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
    expect(Object.keys(status).sort()).toEqual(['kids', 'lastSyncTime']);
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
