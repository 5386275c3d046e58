import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authConsumerKind, authConsumerSpecSchema } from '../../operator/src/api/auth-consumer.ts';
import type { AuthConsumer } from '../../operator/src/api/auth-consumer.ts';
import { authStackKind, authStackSpecSchema, mongodbVersions } from '../../operator/src/api/auth-stack.ts';
import type { AuthStack } from '../../operator/src/api/auth-stack.ts';
import { authDeployment } from '../../operator/src/auth-service/deployment.ts';
import { authPodDisruptionBudget } from '../../operator/src/auth-service/disruption-budget.ts';
import { authIngress, authNetworkPolicy, authService } from '../../operator/src/auth-service/network.ts';
import { membersBudget, membersService } from '../../operator/src/mongodb/objects/service.ts';
import { membersStatefulSet } from '../../operator/src/mongodb/objects/stateful-set.ts';
import { podTemplate } from '../../operator/src/mongodb/objects/pod-template.ts';
import { memberClaim } from '../../operator/src/mongodb/objects/volume-claim.ts';
import { createApiClient, isApiError } from '../../operator/src/runtime/client.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import {
  deploymentKind,
  ingressKind,
  networkPolicyKind,
  persistentVolumeClaimKind,
  podDisruptionBudgetKind,
  secretKind,
  serviceKind,
  statefulSetKind,
} from '../../operator/src/runtime/core-kinds.ts';
import type { Kind, KubernetesObject } from '../../operator/src/runtime/objects.ts';
import { collectionPath } from '../../operator/src/runtime/paths.ts';
import { copySecret } from '../../operator/src/stored/consumer-copy.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { editsOf, schemaOf } from './values.ts';
import type { Edit } from './values.ts';

/** Whatever spec the API server accepts, it accepts each object that the operator makes of it. */
let api: ApiServer;
let client: ApiClient;

beforeAll(async () => {
  api = await startApiServer({ crds: true });
  client = createApiClient({ userAgent: 'user', kubeconfig: api.kubeconfig });
}, 120_000);

afterAll(async () => {
  await client.close();
  await api[Symbol.asyncDispose]();
});

/** As it would be stored, with its defaults; undefined where it is refused. */
async function created<T extends KubernetesObject>(kind: Kind<T>, body: object): Promise<T | undefined> {
  try {
    return await client.send<T>({
      method: 'POST',
      path: collectionPath(kind, 'default'),
      query: { dryRun: 'All', fieldValidation: 'Strict' },
      body,
      signal: AbortSignal.timeout(20_000),
    });
  } catch (error) {
    if (isApiError(error, 422) || isApiError(error, 400)) return undefined;
    throw error;
  }
}

/** The API server's message for each object that it refuses. */
async function refusals(objects: readonly (readonly [Kind, KubernetesObject])[]): Promise<readonly string[]> {
  const query = { dryRun: 'All', fieldValidation: 'Strict' };
  const answers = await Promise.allSettled(
    objects.map(([kind, body]) => {
      const signal = AbortSignal.timeout(20_000);
      return client.send({ method: 'POST', path: collectionPath(kind, 'default'), query, body, signal });
    }),
  );
  return answers.flatMap((answer) => (answer.status === 'rejected' ? [String(answer.reason)] : []));
}

const image = 'registry.example.com/authstack:1';
const mongodbImages = {
  agent: image,
  mongodb: Object.fromEntries(mongodbVersions.map((version) => [version, image])),
  defaultVersion: '8.0',
  pullPolicy: 'IfNotPresent',
};

function objectsOf(stack: AuthStack): readonly (readonly [Kind, KubernetesObject])[] {
  const { version = '8.0', members, storage } = stack.spec.mongodb;
  const template = podTemplate(stack, { images: mongodbImages, version });
  const images = { auth: image, pullPolicy: 'IfNotPresent' };
  return [
    [serviceKind, membersService(stack)],
    [podDisruptionBudgetKind, membersBudget(stack)],
    [persistentVolumeClaimKind, memberClaim(stack, members - 1)],
    [statefulSetKind, membersStatefulSet(stack, { replicas: members, template, size: storage.size })],
    [serviceKind, authService(stack, { selectsServing: true })],
    [serviceKind, authService(stack, { selectsServing: false })],
    [podDisruptionBudgetKind, authPodDisruptionBudget(stack)],
    [networkPolicyKind, authNetworkPolicy(stack)],
    [
      deploymentKind,
      authDeployment(stack, {
        images,
        mountsInitialAdmin: true,
        wrappingSecrets: ['wrapping', 'former'],
        replicas: stack.spec.auth.replicas,
        notedLifetimes: undefined,
      }),
    ],
    ...(stack.spec.auth.ingress ? ([[ingressKind, authIngress(stack)]] as const) : []),
  ];
}

type Fields = Readonly<Record<string, unknown>>;

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = (typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {}) as Fields;
  const fields = Object.entries(patch as Fields).map(([name, value]) => [name, merged(base[name], value)] as const);
  return Object.fromEntries(
    Object.entries({ ...base, ...Object.fromEntries(fields) }).filter(([, value]) => value !== null),
  );
}

const names = fc.oneof(fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/), fc.constant('a'.repeat(40)));
const atTheEdge: fc.Arbitrary<Edit> = fc.constantFrom<Edit>(
  { publicURL: 'https://192.0.2.1' },
  { publicURL: 'https://[2001:db8::1]:8443' },
  { publicURL: 'http://[::1]:8080' },
  { publicURL: `https://${'a'.repeat(63)}.example.com` },
  { publicURL: 'https://10.1' },
  { auth: { ingress: {} } },
  { auth: { ingress: { className: 'a..b' } } },
  { auth: { ingress: { tlsSecretName: 'a.-b' } } },
  { auth: { resources: { requests: { cpu: '2', memory: '2Gi' }, limits: { cpu: '1', memory: '1Gi' } } } },
  { auth: { resources: { requests: { cpu: '0.0001' }, limits: { memory: '0' } } } },
  { mongodb: { resources: { limits: { memory: '1Gi' } } } },
  { mongodb: { resources: { requests: { memory: '2Gi' } } } },
  { mongodb: { storage: { size: '0' } } },
  { mongodb: { storage: { size: '0.0Gi' } } },
  { mongodb: { storage: { size: '1m' } } },
  { mongodb: { storage: { size: '99999999Ei' } } },
  { mongodb: { storage: { className: 'a-.b' } } },
  { mongodb: { external: { uriSecretRef: { name: 'database', key: '..' } } } },
);
const spec = { publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } };
const edits = fc.array(
  fc.oneof({ weight: 3, arbitrary: editsOf(schemaOf(authStackSpecSchema)) }, { weight: 1, arbitrary: atTheEdge }),
  { minLength: 1, maxLength: 5 },
);

test('no object of an accepted AuthStack is refused', async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(names, edits, async (name, changes) => {
      const { apiVersion, kind } = authStackKind;
      const body = {
        apiVersion,
        kind,
        metadata: { name, namespace: 'default' },
        spec: changes.reduce<unknown>(merged, spec),
      };
      const stack = await created(authStackKind, body);
      if (!stack) return;
      accepted += 1;
      expect(await refusals(objectsOf(stack))).toEqual([]);
    }),
    { numRuns: 120 },
  );
  // Specs that are all refused would prove nothing.
  expect(accepted).toBeGreaterThan(30);
}, 120_000);

const consumerNames = fc.oneof(
  fc.stringMatching(/^[a-z]([-a-z0-9]{0,8}[a-z0-9])?(\.[a-z0-9]{1,8}){0,3}$/),
  fc.constantFrom('a'.repeat(63), 'a'.repeat(64), `${'a'.repeat(120)}.${'b'.repeat(120)}`),
);

test('no Secret of an accepted AuthConsumer is refused', async () => {
  const stack = await created(authStackKind, {
    apiVersion: authStackKind.apiVersion,
    kind: authStackKind.kind,
    metadata: { name: 'shop', namespace: 'default' },
    spec,
  });
  if (!stack) throw new Error('the AuthStack was refused');
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      consumerNames,
      fc.array(editsOf(schemaOf(authConsumerSpecSchema)), { maxLength: 3 }),
      async (name, changes) => {
        const first = { stackRef: { namespace: 'default', name: 'shop' }, secretName: 'auth' };
        const { apiVersion, kind } = authConsumerKind;
        const body = {
          apiVersion,
          kind,
          metadata: { name, namespace: 'default' },
          spec: changes.reduce<unknown>(merged, first),
        };
        const consumer: AuthConsumer | undefined = await created(authConsumerKind, body);
        if (!consumer) return;
        accepted += 1;
        const copy = copySecret(consumer, stack, { keys: [], authority: '' });
        expect(await refusals([[secretKind, copy]])).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
  expect(accepted).toBeGreaterThan(15);
}, 60_000);
