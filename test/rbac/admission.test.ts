import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SERVING_LABEL, labelsOf } from '../../operator/src/api/names.ts';
import { createApiClient } from '../../operator/src/runtime/client.ts';
import type { ApiClient, ApiRequest } from '../../operator/src/runtime/client.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { applyTo, installChart } from '../support/installed-operator.ts';

const SYSTEM = 'authstack-system';
const ours = { 'app.kubernetes.io/managed-by': 'authstack-operator' };
const shop = { metadata: { name: 'shop' } };
const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

let api: ApiServer;
/** A thief with the operator's token, whose account somebody has made cluster-admin: only the policy is left. */
let admin: ApiClient;
/** The same thief where the account has the chart's rights in the listed namespace `shop`, and no more. */
let bound: ApiClient;

beforeAll(async () => {
  api = await startApiServer();
  for (const namespace of [SYSTEM, 'authstack-team', 'shop', 'others']) {
    await api.kubectl(['create', 'namespace', namespace]);
    await api.kubectl(['-n', namespace, 'create', 'serviceaccount', 'default']);
  }
  const wide = await installChart(api, { name: 'auth-stack', namespace: SYSTEM });
  const values = { watchNamespaces: ['shop'] };
  const narrow = await installChart(api, { name: 'auth-stack', namespace: 'authstack-team', values });
  const subject = `--serviceaccount=${SYSTEM}:auth-stack`;
  await api.kubectl(['create', 'clusterrolebinding', 'mistake', '--clusterrole=cluster-admin', subject]);
  admin = createApiClient({ userAgent: 'thief', kubeconfig: wide.kubeconfig });
  bound = createApiClient({ userAgent: 'thief', kubeconfig: narrow.kubeconfig });
  await furnish();
  // The API server takes a moment to learn of a new policy; a try that comes before leaves nothing behind.
  const probe = { ...create('secrets', secret('probe', {})), query: { dryRun: 'All' } };
  for (const thief of [admin, bound]) {
    await eventually(() => expect(attempt(thief, probe)).rejects.toThrow(notItsOwn));
  }
}, 120_000);

afterAll(async () => {
  await admin.close();
  await bound.close();
  await api[Symbol.asyncDispose]();
});

/** What is there before the thief comes: `theirs` of somebody else, and what the operator made or makes it for. */
async function furnish(): Promise<void> {
  const labels = { app: 'theirs' };
  const named = (name: string, more: object = {}): object => ({ name, namespace: 'shop', ...more });
  const template = { metadata: { labels }, spec: podSpec() };
  await applyTo(api, [
    { apiVersion: 'v1', kind: 'Secret', metadata: named('theirs') },
    { apiVersion: 'v1', kind: 'Secret', metadata: named('ours', { labels: ours }) },
    { apiVersion: 'v1', kind: 'Service', metadata: named('theirs'), spec: { ports: [{ port: 80 }] } },
    { apiVersion: 'v1', kind: 'Pod', metadata: named('theirs'), spec: podSpec() },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: named('shop-auth-1', { labels: { ...labelsOf(shop, 'auth'), [SERVING_LABEL]: 'true' } }),
      spec: podSpec(),
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: named('shop-mongodb-0', { labels: labelsOf(shop, 'mongodb') }),
      spec: podSpec(),
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: named('theirs'),
      spec: { serviceName: 'theirs', selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'authstack.dev/v1alpha1',
      kind: 'AuthConsumer',
      metadata: named('orders'),
      spec: { stackRef: { namespace: 'auth', name: 'shop' }, secretName: 'keys' },
    },
    {
      apiVersion: 'authstack.dev/v1alpha1',
      kind: 'AuthStack',
      metadata: named('shop'),
      spec: { publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } },
    },
  ]);
  const uid = await api.kubectl(['-n', 'shop', 'get', 'authconsumer', 'orders', '-o', 'jsonpath={.metadata.uid}']);
  const owner = (more: object): object => ({
    ownerReferences: [{ apiVersion: 'authstack.dev/v1alpha1', kind: 'AuthConsumer', name: 'orders', uid, ...more }],
  });
  await applyTo(api, [
    { apiVersion: 'v1', kind: 'Secret', metadata: named('belonging', owner({})) },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: named('alike', owner({ apiVersion: 'authstack.dev.example.com/v1', controller: true })),
    },
    { apiVersion: 'v1', kind: 'Secret', metadata: named('stripped', owner({ controller: true })) },
  ]);
}

function podSpec(more: object = {}): object {
  return { automountServiceAccountToken: false, containers: [{ name: 'one', image: 'one' }], ...more };
}

function workload(pod: object): object {
  const labels = { app: 'ours' };
  const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec(pod) } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'thief', labels: ours }, spec };
}

function secret(name: string, labels: object, more: object = {}): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels }, ...more };
}

type Attempt = Omit<ApiRequest, 'signal'>;

function pathOf(resource: string, namespace = 'shop'): string {
  const [, group = '', plural = resource] = /^(.+)\/([^/]+)$/.exec(resource) ?? [];
  return `${group === '' ? '/api/v1' : `/apis/${group}`}/namespaces/${namespace}/${plural}`;
}

function create(resource: string, body: object, namespace = 'shop'): Attempt {
  return { method: 'POST', path: pathOf(resource, namespace), body };
}

function patch(path: string, body: object, contentType = MERGE): Attempt {
  const apply = contentType === APPLY && { query: { fieldManager: 'thief', force: 'true' } };
  return { method: 'PATCH', path, body, contentType, ...apply };
}

function attempt(thief: ApiClient, request: Attempt): Promise<unknown> {
  return thief.send({ ...request, signal: AbortSignal.timeout(10_000) });
}

const theirs = `${pathOf('secrets')}/theirs`;
const labelled = { metadata: { labels: ours } };
const POD = `${pathOf('pods')}/theirs`;
const AUTH_POD = `${pathOf('pods')}/shop-auth-1`;
const outOfService = { [SERVING_LABEL]: 'false' };
const STACK = `${pathOf('authstack.dev/v1alpha1/authstacks')}/shop`;
const notItsOwn = 'may only write objects labelled';
const noBusiness = 'has no business with';
const onlyServing = 'may only delete pods, and set authstack.dev/serving of pods of the auth service';

test.each<[string, Attempt, string]>([
  ['make an object without the label', create('secrets', secret('x', {})), notItsOwn],
  ['try it dry', { ...create('secrets', secret('x', {})), query: { dryRun: 'All' } }, notItsOwn],
  [
    'let the API server choose the name',
    create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { generateName: 'x-' } }),
    notItsOwn,
  ],
  ['label an object of others', patch(theirs, labelled), notItsOwn],
  [
    'label it in the update that changes it',
    { method: 'PUT', path: theirs, body: secret('theirs', ours, { stringData: { x: 'y' } }) },
    notItsOwn,
  ],
  ['apply over it by force', patch(theirs, secret('theirs', ours, { stringData: { x: 'y' } }), APPLY), notItsOwn],
  [
    'patch it operation by operation',
    patch(theirs, [{ op: 'add', path: '/metadata/labels', value: ours }], 'application/json-patch+json'),
    notItsOwn,
  ],
  ['delete it', { method: 'DELETE', path: theirs }, notItsOwn],
  ['delete it among all others', { method: 'DELETE', path: pathOf('secrets') }, notItsOwn],
  [
    'take the label away',
    patch(`${pathOf('secrets')}/ours`, { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } }),
    notItsOwn,
  ],
  [
    'write over what an AuthConsumer owns but does not control',
    patch(`${pathOf('secrets')}/belonging`, labelled),
    notItsOwn,
  ],
  ['write over what a kind of a like name controls', patch(`${pathOf('secrets')}/alike`, labelled), notItsOwn],
  [
    'have a service account token made',
    create('secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'x', labels: ours, annotations: { 'kubernetes.io/service-account.name': 'default' } },
      type: 'kubernetes.io/service-account-token',
    }),
    'of type Opaque and kubernetes.io/tls',
  ],
  [
    'make a bootstrap token',
    create('secrets', secret('bootstrap-token-abcdef', ours, { type: 'bootstrap.kubernetes.io/token' }), 'kube-system'),
    'of type Opaque and kubernetes.io/tls',
  ],
  [
    'make a pod',
    create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', labels: ours }, spec: podSpec() }),
    'may only delete pods',
  ],
  [
    'take a pod of others out of a Service',
    patch(POD, { metadata: { labels: { ...ours, ...outOfService } } }),
    notItsOwn,
  ],
  [
    'give that label to a member of the database',
    patch(`${pathOf('pods')}/shop-mongodb-0`, { metadata: { labels: outOfService } }),
    onlyServing,
  ],
  ['give it another value', patch(AUTH_POD, { metadata: { labels: { [SERVING_LABEL]: 'sometimes' } } }), onlyServing],
  ['take it away', patch(AUTH_POD, { metadata: { labels: { [SERVING_LABEL]: null } } }), onlyServing],
  [
    'change another label of an auth pod',
    patch(AUTH_POD, { metadata: { labels: { 'authstack.dev/stack': 'other' } } }),
    onlyServing,
  ],
  [
    'add a label to an auth pod beside it',
    patch(AUTH_POD, { metadata: { labels: { ...outOfService, app: 'theirs' } } }),
    onlyServing,
  ],
  [
    'make another pod an auth pod',
    patch(`${pathOf('pods')}/shop-mongodb-0`, { metadata: { labels: labelsOf(shop, 'auth') } }),
    onlyServing,
  ],
  [
    'take an auth pod from its ReplicaSet',
    patch(AUTH_POD, { metadata: { labels: { 'app.kubernetes.io/name': null } } }),
    onlyServing,
  ],
  [
    'annotate an auth pod',
    patch(AUTH_POD, { metadata: { labels: outOfService, annotations: { x: 'y' } } }),
    onlyServing,
  ],
  ['hold an auth pod by a finalizer', patch(AUTH_POD, { metadata: { finalizers: ['example.com/x'] } }), onlyServing],
  [
    'change the image of a running auth pod',
    patch(
      AUTH_POD,
      { metadata: { labels: outOfService }, spec: { containers: [{ name: 'one', image: 'other' }] } },
      'application/strategic-merge-patch+json',
    ),
    onlyServing,
  ],
  [
    'make pods with an account',
    create('apps/v1/deployments', workload({ serviceAccountName: 'builder' })),
    'token of a service account',
  ],
  [
    'make pods with a token',
    create('apps/v1/deployments', workload({ automountServiceAccountToken: true })),
    'token of a service account',
  ],
  [
    'make pods with a projected token',
    create(
      'apps/v1/deployments',
      workload({ volumes: [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }),
    ),
    'token of a service account',
  ],
  [
    'make pods with a folder of the node',
    create('apps/v1/deployments', workload({ volumes: [{ name: 'n', hostPath: { path: '/' } }] })),
    'part of their node',
  ],
  [
    "make pods in the node's network",
    create('apps/v1/deployments', workload({ hostNetwork: true })),
    'part of their node',
  ],
  [
    "make pods among the node's processes",
    create('apps/v1/deployments', workload({ hostPID: true })),
    'part of their node',
  ],
  [
    'make pods with a privileged container',
    create(
      'apps/v1/deployments',
      workload({ initContainers: [{ name: 'p', image: 'p', securityContext: { privileged: true } }] }),
    ),
    'part of their node',
  ],
  ['write the status of a Service', patch(`${pathOf('services')}/theirs/status`, labelled), noBusiness],
  ['write the status of a pod', patch(`${POD}/status`, labelled), noBusiness],
  [
    'put a container into a running pod',
    patch(
      `${POD}/ephemeralcontainers`,
      { spec: { ephemeralContainers: [{ name: 'e', image: 'e' }] }, ...labelled },
      'application/strategic-merge-patch+json',
    ),
    noBusiness,
  ],
  [
    'run a command in a pod',
    { method: 'POST', path: `${POD}/exec`, query: { command: 'id', stdout: 'true' } },
    noBusiness,
  ],
  [
    'evict a pod with a labelled eviction',
    {
      method: 'POST',
      path: `${POD}/eviction`,
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: 'theirs', namespace: 'shop', labels: ours },
      },
    },
    noBusiness,
  ],
  [
    'bind a pod to a node',
    {
      method: 'POST',
      path: `${POD}/binding`,
      body: {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'theirs', labels: ours },
        target: { kind: 'Node', name: 'n' },
      },
    },
    noBusiness,
  ],
  [
    'scale a StatefulSet of others',
    patch(`${pathOf('apps/v1/statefulsets')}/theirs/scale`, { spec: { replicas: 0 }, ...labelled }),
    noBusiness,
  ],
  [
    'ask for the token of an account',
    {
      method: 'POST',
      path: `${pathOf('serviceaccounts')}/default/token`,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    },
    noBusiness,
  ],
  [
    'give itself rights',
    create('rbac.authorization.k8s.io/v1/rolebindings', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'x', labels: ours },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
    }),
    noBusiness,
  ],
  [
    'make a kind that it never makes',
    create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', labels: ours } }),
    noBusiness,
  ],
  ['label a Namespace so that a stack allows it', patch('/api/v1/namespaces/others', labelled), noBusiness],
  ['change what an AuthStack asks for', patch(STACK, { spec: { deletionPolicy: 'Delete' } }), 'finalizers and status'],
  [
    'accept the loss of data in the name of people',
    patch(STACK, { metadata: { annotations: { 'authstack.dev/accept-data-loss': 'x' } } }),
    'finalizers and status',
  ],
  ['delete an AuthStack', { method: 'DELETE', path: STACK }, 'finalizers and status'],
  [
    'record an event about pods of others',
    create(
      'events.k8s.io/v1/events',
      anEvent({ regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'theirs' } }),
    ),
    'its own events',
  ],
  [
    'record an event about another pod of its own namespace',
    create(
      'events.k8s.io/v1/events',
      anEvent({ regarding: { apiVersion: 'v1', kind: 'Pod', namespace: SYSTEM, name: 'theirs' } }),
      SYSTEM,
    ),
    'its own events',
  ],
  [
    'record an event in the name of others',
    create('events.k8s.io/v1/events', anEvent({ reportingController: 'kubelet' })),
    'its own events',
  ],
  [
    'take the lease of another controller',
    create(
      'coordination.k8s.io/v1/leases',
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'x' } },
      SYSTEM,
    ),
    'its own Lease',
  ],
])("with every right that there is, the operator's account cannot %s", async (_deed, request, refusal) => {
  await expect(attempt(admin, request)).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining(refusal),
  });
});

function anEvent(more: object): object {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'x' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    type: 'Normal',
    reason: 'Tested',
    note: 'x',
    action: 'Reconcile',
    reportingController: 'authstack-operator',
    reportingInstance: 'x',
    regarding: { apiVersion: 'authstack.dev/v1alpha1', kind: 'AuthStack', namespace: 'shop', name: 'shop' },
    ...more,
  };
}

const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';

test.each<[string, Attempt]>([
  ['write where it is not at home', create('secrets', secret('x', ours), 'others')],
  ['read a Secret where it is not at home', { method: 'GET', path: pathOf('secrets', 'others') }],
  ['read every Secret', { method: 'GET', path: '/api/v1/secrets' }],
  ['see every Namespace', { method: 'GET', path: '/api/v1/namespaces' }],
  ['see the Namespace of others', { method: 'GET', path: '/api/v1/namespaces/others' }],
  ['delete many at once', { method: 'DELETE', path: pathOf('secrets') }],
  ['lift the policy', { method: 'DELETE', path: `${policies}/authstack-team.auth-stack` }],
  [
    'lift its binding',
    { method: 'DELETE', path: `${policies}/authstack-team.auth-stack`.replace('ies/', 'ybindings/') },
  ],
  ['run a command in a pod', { method: 'POST', path: `${POD}/exec`, query: { command: 'id', stdout: 'true' } }],
  ['read the log of a pod', { method: 'GET', path: `${POD}/log` }],
  ['evict a pod', { method: 'POST', path: `${POD}/eviction`, body: {} }],
])('with the rights of the chart in listed namespaces, it cannot %s', async (_deed, request) => {
  await expect(attempt(bound, request)).rejects.toMatchObject({ status: 403, reason: 'Forbidden' });
});

test('it cannot act as somebody else', async () => {
  const kubeconfig = await api.kubeconfigOf('authstack-team', 'auth-stack');
  const asOther = ['--kubeconfig', kubeconfig, '--as=admin', '--as-group=system:masters'];
  await expect(api.kubectl([...asOther, 'get', 'namespaces'])).rejects.toThrow('cannot impersonate');
});

test('nothing that was tried has happened', async () => {
  const names = async (kinds: string): Promise<string[]> =>
    (await api.kubectl(['-n', 'shop', 'get', kinds, '-o', 'name'])).trim().split('\n');
  expect(await names('secrets')).toEqual(
    ['alike', 'belonging', 'ours', 'stripped', 'theirs'].map((name) => `secret/${name}`),
  );
  expect(await names('pods,statefulsets')).toEqual([
    ...['shop-auth-1', 'shop-mongodb-0', 'theirs'].map((name) => `pod/${name}`),
    'statefulset.apps/theirs',
  ]);
  const labels = await api.kubectl(['-n', 'shop', 'get', 'pod', 'shop-auth-1', '-o', 'jsonpath={.metadata.labels}']);
  expect(JSON.parse(labels)).toEqual({ ...labelsOf(shop, 'auth'), [SERVING_LABEL]: 'true' });
  expect(await names('authstacks')).toEqual(['authstack.authstack.dev/shop']);
});

test('what it needs is let through: its own objects, labels, the finalizer, the status', async () => {
  const own = `${pathOf('secrets')}/mine`;
  await attempt(admin, create('secrets', secret('mine', ours)));
  await attempt(admin, patch(own, { stringData: { x: 'y' } }));
  await attempt(admin, { method: 'DELETE', path: own });
  await attempt(admin, patch(`${pathOf('secrets')}/stripped`, labelled));
  await attempt(admin, patch(AUTH_POD, { metadata: { labels: outOfService } }));
  await attempt(admin, create('apps/v1/deployments', workload({})));
  await attempt(admin, patch(STACK, { metadata: { finalizers: ['authstack.dev/cleanup'] } }));
  await attempt(admin, patch(`${STACK}/status`, { status: { observedGeneration: 1 } }));
  await attempt(admin, create('events.k8s.io/v1/events', anEvent({})));
});
