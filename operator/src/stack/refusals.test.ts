import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { PlannedCondition } from '../api/reasons.ts';
import { authIngress } from '../auth-service/network.ts';
import { createApiClient } from '../runtime/client.ts';
import type { ApiClient } from '../runtime/client.ts';
import { systemClock } from '../runtime/clock.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import { configMapKind, ingressKind } from '../runtime/core-kinds.ts';
import { silent } from '../runtime/log.ts';
import { createManager } from '../runtime/manager.ts';
import type { Manager } from '../runtime/manager.ts';
import { createRuntimeMetrics } from '../runtime/metrics.ts';
import type { ConditionStatus, KubernetesObject } from '../runtime/objects.ts';
import type { StackPorts } from './observe.ts';
import { performStack } from './perform.ts';
import { withRefusals } from './refusals.ts';
import type { StackPlan } from './types.ts';

const now = Date.UTC(2030, 0, 1);
const pass = { now, signal: new AbortController().signal };
let api: ApiServer;
let client: ApiClient;
let manager: Manager;

beforeAll(async () => {
  api = await startApiServer();
  client = createApiClient({ userAgent: 'test', kubeconfig: api.kubeconfig });
  manager = createManager({
    ...{ client, clock: systemClock, log: silent, metrics: createRuntimeMetrics() },
    ...{ fieldManager: 'test', hashAnnotation: 'example.com/applied-hash', identity: 'test' },
  });
  manager.watch(configMapKind);
  manager.watch(ingressKind);
}, 120_000);

afterAll(async () => {
  await client.close();
  await api[Symbol.asyncDispose]();
});

const stack: AuthStack = {
  apiVersion: 'authstack.dev/v1alpha1',
  kind: 'AuthStack',
  metadata: { name: 'shop', namespace: 'default', uid: 'u1' },
  spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience: ['shop'], ingress: {} } }),
};

/** Whoever applied the stack got past the rule of the CRD, with another version of it, say. */
function ingressOf(publicURL: string): KubernetesAction {
  const { ownerReferences: _, ...metadata } = authIngress(stack).metadata;
  const object = { ...authIngress({ ...stack, spec: { ...stack.spec, publicURL } }), metadata };
  return { type: 'apply', kind: ingressKind, object };
}

function configMap(name: string): KubernetesAction {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } };
  return { type: 'apply', kind: configMapKind, object };
}

function planOf(actions: readonly KubernetesAction[], ...conditions: readonly PlannedCondition[]): StackPlan {
  const branch = actions.map((action) => ({ feature: 'authService', action }) as const);
  return { foundations: [], branches: [branch], conditions, status: {}, events: [] };
}

const perform = (plan: StackPlan): ReturnType<typeof performStack> =>
  performStack(plan, { cluster: manager.cluster } as StackPorts, pass);

const exists = async (name: string): Promise<boolean> => {
  const found = await manager.cluster.read(configMapKind, { namespace: 'default', name }, pass);
  return found !== undefined;
};

test('the API server refuses an Ingress with an IP address for a host, and the next object is made all the same', async () => {
  const { refusals, failure } = await perform(planOf([ingressOf('https://10.0.0.1'), configMap('after')]));
  expect({ refusals, failure }).toEqual({
    refusals: [
      {
        feature: 'authService',
        object: 'Ingress shop-auth',
        cause: expect.stringMatching(
          /^spec\.rules\[0\]\.host: Invalid value: "10\.0\.0\.1": must be a DNS name, not an IP/,
        ),
      },
    ],
    failure: undefined,
  });
  expect(await exists('after')).toBe(true);
});

test('what is more than an object waits until every object before it is accepted', async () => {
  const { object } = configMap('created') as { readonly object: KubernetesObject };
  const create: KubernetesAction = { type: 'create', kind: configMapKind, object };
  await perform(planOf([ingressOf('https://10.0.0.1'), create]));
  expect(await exists('created')).toBe(false);
  await perform(planOf([create]));
  expect(await exists('created')).toBe(true);
});

test('the event of an action is reported when it was done, and not when somebody else was faster', async () => {
  const { object } = configMap('once') as { readonly object: KubernetesObject };
  const event = { type: 'Normal', reason: 'Created', message: 'the object was created' } as const;
  const create: KubernetesAction = { type: 'create', kind: configMapKind, object, event };
  expect((await perform(planOf([create]))).events).toEqual([event]);
  expect((await perform(planOf([create]))).events).toEqual([]);
});

const condition = (type: 'Ready' | 'AuthReady' | 'Stalled', status: ConditionStatus): PlannedCondition => ({
  type,
  status,
  reason: 'NotEvaluated',
  message: 'what was observed',
});
const refusal = { feature: 'authService', object: 'Ingress shop-auth', cause: 'spec.rules[0].host: no' } as const;

test.each([
  ['False', 'False'],
  ['Unknown', 'False'],
  ['True', 'True'],
] as const)('a refusal takes over the reason of a condition that is %s, which is then %s', (before, after) => {
  const plan = planOf([], condition('Ready', before), condition('AuthReady', before), condition('Stalled', 'False'));
  const { conditions, recheckAt, events } = withRefusals(plan, [refusal], { stack, now });
  const message = expect.stringContaining('The API server refuses Ingress shop-auth: spec.rules[0].host: no');
  expect(conditions).toContainEqual({ type: 'AuthReady', status: after, reason: 'ObjectRefused', message });
  expect(conditions).toContainEqual({ type: 'Stalled', status: 'True', reason: 'ObjectRefused', message });
  expect(conditions.find(({ type }) => type === 'AuthReady')?.message).toContain('NotEvaluated: what was observed');
  expect({ recheckAt, events: events.map(({ reason }) => reason) }).toEqual({
    ...{ recheckAt: now + 60_000, events: ['ObjectRefused'] },
  });
});

test('a report without refusals stays as it is', () => {
  const plan = planOf([], condition('AuthReady', 'True'));
  expect(withRefusals(plan, [], { stack, now })).toBe(plan);
});
