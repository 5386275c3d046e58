import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Deployment, Pod } from '../runtime/core-kinds.ts';
import type { Condition } from '../runtime/objects.ts';
import { STALL_AFTER } from '../planning.ts';
import { planAuthService } from './plan.ts';
import type { AuthServiceObservation, EarlierStart, ObservedAuthSecrets } from './types.ts';

const now = Date.UTC(2030, 0, 1);

function aStack(auth: object = {}): AuthStack {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop', namespace: 'auth', uid: 'u1', creationTimestamp: new Date(now - 60_000).toISOString() },
    spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience: ['shop'], ...auth } }),
  };
}

function absent(earlierStart: EarlierStart): ObservedAuthSecrets {
  return { state: 'absent', earlierStart };
}

function aDeployment(status: object = {}, metadata: object = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop-auth', namespace: 'auth', generation: 1, ...metadata },
    status: { observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2, ...status },
  };
}

function aPod(state: object, conditions: object[] = []): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shop-auth-1', namespace: 'auth' },
    spec: {},
    status: {
      conditions: conditions as [],
      containerStatuses: [{ name: 'auth', ready: false, restartCount: 3, image: 'registry.invalid/auth:none', state }],
    },
  };
}

const settled: AuthServiceObservation = {
  stack: aStack(),
  now,
  images: { auth: 'authstack/auth:1', pullPolicy: 'IfNotPresent' },
  secrets: { state: 'present' },
  databaseUri: 'present',
  keyRing: 'present',
  notedLifetimes: undefined,
  wrappingSecrets: [],
  certificate: 'present',
  initialAdmin: { state: 'notAsked' },
  deployment: aDeployment(),
  pods: [],
  serving: [],
};
const none = { deployment: aDeployment({ availableReplicas: 0 }) };
const external = { uriSecretRef: { name: 'atlas', key: 'uri' } };
const withExternal = { ...aStack(), spec: { ...aStack().spec, mongodb: { ...aStack().spec.mongodb, external } } };
const admin = aStack({ initialAdmin: { secretRef: { name: 'first-admin' } } });

function conditionOf(change: Partial<AuthServiceObservation>): { status: string; reason: string; message: string } {
  const [condition] = planAuthService({ ...settled, ...change }).conditions;
  if (!condition) throw new Error('no condition');
  return condition;
}

function applied(change: Partial<AuthServiceObservation>): string[] {
  return planAuthService({ ...settled, ...change }).actions.map((action) =>
    action.type === 'apply' || action.type === 'delete' ? `${action.type} ${action.kind.kind}` : action.type,
  );
}

test.each<[string, Partial<AuthServiceObservation>, string, string]>([
  ['all pods serve', {}, 'True/AllReplicasAvailable', '2 of 2'],
  [
    'one of two pods is gone',
    { deployment: aDeployment({ availableReplicas: 1 }) },
    'True/SomeReplicasUnavailable',
    '1 of 2 pods of the auth service serve; 2 are of',
  ],
  [
    'a roll-out is on its way',
    { deployment: aDeployment({ updatedReplicas: 1 }) },
    'True/RollingOut',
    '1 are of the current template',
  ],
  [
    'the controller has not seen the change',
    { deployment: aDeployment({}, { generation: 2 }) },
    'True/SomeReplicasUnavailable',
    'of the current template',
  ],
  [
    'the secrets are lost',
    { secrets: absent({ state: 'evident', evidence: 'Deployment shop-auth exists' }) },
    'False/SecretLost',
    'shop-auth-secrets is gone although the stack has started before (Deployment shop-auth exists)',
  ],
  [
    'the secrets are not ours',
    { secrets: { state: 'foreign' } },
    'False/SecretNotOwned',
    'Secret shop-auth-secrets exists without the labels of this stack',
  ],
  [
    "the database user's Secret has lost its labels",
    { databaseUri: 'foreign' },
    'False/SecretNotOwned',
    'Secret shop-mongodb-auth-user exists without the labels of this stack',
  ],
  [
    'the key ring has lost its labels',
    { keyRing: 'foreign' },
    'False/SecretNotOwned',
    'Secret shop-signing-keys exists without the labels of this stack',
  ],
  [
    'the certificate of the pods is not ours',
    { certificate: 'foreign' },
    'False/SecretNotOwned',
    'Secret shop-auth-tls exists without the labels of this stack',
  ],
  ['the pods have no certificate yet', { certificate: 'absent' }, 'False/WaitingForCertificates', 'shop-auth-tls'],
  [
    'the external database cannot be read',
    { stack: withExternal, secrets: absent({ state: 'unknown', problem: 'Authentication failed.' }) },
    'Unknown/DatabaseNotRead',
    'the operator cannot read the database of Secret atlas to see whether it has users whose passwords need it: Authentication failed.',
  ],
  [
    'the secrets are damaged',
    { secrets: { state: 'malformed', why: 'secrets.json lacks pepper' } },
    'False/SecretMalformed',
    'lacks pepper',
  ],
  ['the database has no user', { databaseUri: 'absent' }, 'False/WaitingForDatabase', 'shop-mongodb-auth-user'],
  [
    'the string of an external database is missing',
    { stack: withExternal, databaseUri: 'absent' },
    'False/DatabaseUriNotFound',
    'create secret generic atlas --from-file=uri',
  ],
  ['there is no key', { keyRing: 'absent' }, 'False/WaitingForSigningKeys', 'shop-signing-keys'],
  [
    'the initial admin is missing',
    { stack: admin, initialAdmin: { state: 'missing' } },
    'False/InitialAdminSecretNotFound',
    'first-admin',
  ],
  [
    'the initial admin has no password',
    { stack: admin, initialAdmin: { state: 'incomplete', key: 'password' } },
    'False/InitialAdminSecretIncomplete',
    'password',
  ],
  [
    'an image cannot be pulled',
    { ...none, pods: [aPod({ waiting: { reason: 'ImagePullBackOff', message: 'no such host' } })] },
    'False/ImageNotPullable',
    'registry.invalid/auth:none (no such host); set spec.auth.image',
  ],
  [
    'a container crashes',
    { ...none, pods: [aPod({ waiting: { reason: 'CrashLoopBackOff' } })] },
    'False/ContainerCrashes',
    'kubectl -n auth logs shop-auth-1 -c auth --previous',
  ],
  [
    'a container cannot be made',
    { ...none, pods: [aPod({ waiting: { reason: 'CreateContainerConfigError', message: 'x is gone' } })] },
    'False/ContainerConfigInvalid',
    'x is gone',
  ],
  [
    'a pod finds no node',
    { ...none, pods: [aPod({}, [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes: too little memory' }])] },
    'False/PodUnschedulable',
    'too little memory',
  ],
  [
    'a pod runs but is not ready',
    { ...none, pods: [aPod({ running: {} })] },
    'False/NotReady',
    'kubectl -n auth logs shop-auth-1',
  ],
  [
    'a quota forbids pods',
    {
      deployment: aDeployment({
        availableReplicas: 0,
        conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }],
      }),
    },
    'False/PodsNotCreated',
    'exceeded quota',
  ],
])('%s', (...[, change, expected, named]) => {
  const { status, reason, message } = conditionOf(change);
  expect(`${status}/${reason}`).toBe(expected);
  expect(message).toContain(named);
});

const earlierStarts: EarlierStart[] = [
  { state: 'none' },
  { state: 'evident', evidence: 'Deployment shop-auth exists' },
  { state: 'unknown', problem: 'no answer' },
];
const observations = fc.record({
  secrets: fc.constantFrom<ObservedAuthSecrets>(
    { state: 'present' },
    ...earlierStarts.map(absent),
    { state: 'foreign' },
    { state: 'malformed', why: 'x' },
  ),
  databaseUri: fc.constantFrom('absent', 'foreign', 'present'),
  keyRing: fc.constantFrom('absent', 'foreign', 'present'),
  certificate: fc.constantFrom('absent', 'foreign', 'present'),
  stack: fc.constantFrom(aStack(), withExternal),
});

test('a pepper is made only where none is and the stack is known never to have started', () => {
  fc.assert(
    fc.property(observations, (change) => {
      const { secrets } = change;
      const makes = planAuthService({ ...settled, ...change }).foundations.length > 0;
      expect(makes).toBe(secrets.state === 'absent' && secrets.earlierStart.state === 'none');
    }),
  );
});

test('pods are made or changed only when every Secret that they mount is there', () => {
  fc.assert(
    fc.property(observations, (change) => {
      const touchesPods = applied(change).includes('apply Deployment');
      const { secrets, databaseUri, keyRing, certificate } = change;
      const mounted = [secrets.state, databaseUri, keyRing, certificate];
      expect(touchesPods).toBe(mounted.every((state) => state === 'present'));
    }),
  );
});

test('a missing initial admin holds no pod back, and is mounted once it is there', () => {
  const mountsAdmin = (state: 'missing' | 'present' | 'mounted'): boolean =>
    JSON.stringify(planAuthService({ ...settled, stack: admin, initialAdmin: { state } }).actions).includes(
      'first-admin',
    );
  expect(applied({ stack: admin, initialAdmin: { state: 'missing' } })).toContain('apply Deployment');
  expect([mountsAdmin('missing'), mountsAdmin('present'), mountsAdmin('mounted')]).toEqual([false, true, true]);
});

test('a single replica has no disruption budget, so that its node can be drained', () => {
  const podDisruptionBudget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'shop-auth', uid: 'p1' },
  };
  expect(applied({ stack: aStack({ replicas: 1 }), podDisruptionBudget })).toContain('delete PodDisruptionBudget');
  expect(applied({})).toContain('apply PodDisruptionBudget');
});

function scaledBy(manager: string): Deployment {
  const deployment = aDeployment(
    { availableReplicas: 5, updatedReplicas: 5 },
    {
      managedFields: [{ manager, subresource: 'scale' }],
    },
  );
  return { ...deployment, spec: { replicas: 5 } };
}

function appliedReplicas(change: Partial<AuthServiceObservation>): unknown {
  const action = planAuthService({ ...settled, ...change }).actions.find(
    (one) => one.type === 'apply' && one.kind.kind === 'Deployment',
  );
  return action?.type === 'apply' ? (action.object as Deployment).spec?.replicas : 'no Deployment';
}

test('replicas are left to an autoscaler, and not to a person, who has the spec for that', () => {
  expect(appliedReplicas({ deployment: scaledBy('kube-controller-manager') })).toBeUndefined();
  expect(appliedReplicas({ deployment: scaledBy('kubectl') })).toBe(2);
  expect(conditionOf({ deployment: scaledBy('kube-controller-manager') }).message).toBe(
    '5 of 5 pods of the auth service serve; kube-controller-manager sets their number',
  );
  const single = aStack({ replicas: 1 });
  expect(applied({ stack: single, deployment: scaledBy('keda') })).toContain('apply PodDisruptionBudget');
});

test('an Ingress comes and goes with its field', () => {
  const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'shop-auth', uid: 'i1' } };
  expect(applied({ stack: aStack({ ingress: {} }) })).toContain('apply Ingress');
  expect(applied({ ingress })).toContain('delete Ingress');
  expect(applied({}).filter((action) => action.endsWith('Ingress'))).toEqual([]);
});

test('waiting turns into stalling once it has lasted, and the plan announces that moment', () => {
  const since = now - 60_000;
  const lastTransitionTime = new Date(since).toISOString();
  const stored = { type: 'AuthReady', reason: 'WaitingForDatabase', message: '', lastTransitionTime };
  const conditions: Condition[] = [{ ...stored, status: 'False' }];
  const waiting = { ...settled, stack: { ...aStack(), status: { conditions } }, databaseUri: 'absent' } as const;
  const { recheckAt, stalled } = planAuthService(waiting);
  expect({ recheckAt, stalled }).toEqual({ recheckAt: since + STALL_AFTER, stalled: undefined });
  expect(planAuthService({ ...waiting, now: since + STALL_AFTER }).stalled?.reason).toBe('WaitingForDatabase');
});

test('a stuck roll-out stalls even while the old pods serve', () => {
  const deployment = aDeployment({
    updatedReplicas: 1,
    conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }],
  });
  const plan = planAuthService({ ...settled, deployment: deployment });
  expect(plan).toMatchObject({
    conditions: [{ status: 'True', reason: 'RollingOut' }],
    stalled: { reason: 'RollingOut' },
  });
});

test('with an external database the pods mount its string, and may connect to any host', () => {
  const text = JSON.stringify(planAuthService({ ...settled, stack: withExternal }).actions);
  expect(text).toContain('{"secretName":"atlas","defaultMode":288,"items":[{"key":"uri","path":"uri"}]}');
  expect(text).toContain('{"protocol":"TCP","port":53}]},{}]');
  expect(text).not.toContain('shop-mongodb-auth-user');
});
