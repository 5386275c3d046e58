import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { auditedRequests, startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import type { RenderedObject } from '../../../test/support/chart.ts';
import { applyTo, installOperator } from '../../../test/support/installed-operator.ts';
import type { InstalledOperator } from '../../../test/support/installed-operator.ts';
import type { Condition } from '../runtime/objects.ts';
import { eventually } from '../runtime/testing/eventually.ts';

const SYSTEM = 'authstack-system';

let folder: string;
let api: ApiServer;
let operator: InstalledOperator;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bad-input-'));
  api = await startApiServer({ auditLog: join(folder, 'audit.log') });
  for (const namespace of [SYSTEM, 'auth', 'shop']) await api.kubectl(['create', 'namespace', namespace]);
  const release = { name: 'auth-stack', namespace: SYSTEM };
  operator = await installOperator(api, { release, log: join(folder, 'operator.log') });
}, 120_000);

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function authStack(name: string, auth: object = {}): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name, namespace: 'auth' },
    spec: {
      publicURL: `https://${name}.example.com`,
      auth: { audience: ['shop'], ...auth },
      consumers: { allowedNamespaces: { from: 'All' } },
    },
  };
}

function authConsumer(name: string, stack: string): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthConsumer',
    metadata: { name, namespace: 'shop' },
    spec: { stackRef: { namespace: 'auth', name: stack }, secretName: `${name}-keys` },
  };
}

interface Crd extends RenderedObject {
  readonly spec: {
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: { properties: object } } }[];
  };
}

function crds(): readonly Crd[] {
  return operator.chart.map(({ object }) => object as Crd).filter(({ kind }) => kind === 'CustomResourceDefinition');
}

/** The CRDs as an older version might have had them: any spec will do. */
function lax({ spec, ...crd }: Crd): object {
  const versions = spec.versions.map((version) => {
    const { properties } = version.schema.openAPIV3Schema;
    const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    return {
      ...version,
      schema: { openAPIV3Schema: { type: 'object', properties: { ...properties, spec: anything } } },
    };
  });
  return { ...crd, spec: { ...spec, versions } };
}

/** Stores changes that the schema of today refuses, as objects of yesterday. */
async function storeUnchecked(
  ...changes: readonly (readonly [ref: string, namespace: string, spec: object])[]
): Promise<void> {
  const force = ['apply', '--server-side', '--force-conflicts', '-f', '-'];
  const install = (items: readonly object[]): Promise<string> =>
    api.kubectl(force, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await install(crds().map(lax));
  for (const [ref, namespace, spec] of changes) {
    const patch = ['-n', namespace, 'patch', ref, '--type=merge', '-p', JSON.stringify({ spec })];
    // A new schema takes a moment to be served.
    await eventually(() => api.kubectl(patch));
  }
  await install(crds());
}

async function conditionsOf(namespace: string, ref: string): Promise<Record<string, Condition>> {
  const text = await api.kubectl(['-n', namespace, 'get', ref, '-o', 'jsonpath={.status.conditions}']);
  const conditions = JSON.parse(text === '' ? '[]' : text) as Condition[];
  return Object.fromEntries(conditions.map((condition) => [condition.type, condition]));
}

async function messagesAbout(name: string, reason: string): Promise<string> {
  const fields = ['--field-selector', `reason=${reason},regarding.name=${name}`];
  return api.kubectl(['-n', 'auth', 'get', 'events.events.k8s.io', ...fields, '-o', 'jsonpath={.items[*].note}']);
}

async function names(namespace: string, kinds: string): Promise<readonly string[]> {
  return (await api.kubectl(['-n', namespace, 'get', kinds, '-o', 'name'])).trim().split('\n');
}

test('a spec of an older schema is named field by field, keeps nobody else waiting, and its correction heals', async () => {
  await applyTo(api, [
    authStack('aged'),
    authStack('well'),
    authConsumer('orders', 'well'),
    authConsumer('broken', 'well'),
  ]);
  await eventually(async () => {
    expect(await names('auth', 'secrets')).toContain('secret/aged-signing-keys');
    expect(await names('shop', 'secrets')).toEqual(
      expect.arrayContaining(['secret/orders-keys', 'secret/broken-keys']),
    );
  });

  await storeUnchecked(
    ['authstack/aged', 'auth', { auth: { replicas: 'two' }, deletionPolicy: 'Everything' }],
    ['authconsumer/broken', 'shop', { stackRef: 'well' }],
  );

  // Whatever was told while anything was allowed, it must be told again under the schema of today.
  const forgotten = ['--subresource=status', '--type=merge', '-p', '{"status":null}'];
  await api.kubectl(['-n', 'auth', 'patch', 'authstack', 'aged', ...forgotten]);
  await api.kubectl(['-n', 'auth', 'annotate', 'authstack', 'aged', 'look=again']);
  const { Ready, Stalled } = await eventually(async () => {
    const conditions = await conditionsOf('auth', 'authstack/aged');
    expect(conditions).toMatchObject({
      Ready: { status: 'False', reason: 'SpecInvalid' },
      Stalled: { status: 'True' },
    });
    return conditions;
  });
  expect(Ready?.message).toMatch(/spec\.auth\.replicas: .*spec\.deletionPolicy: .*kubectl -n auth edit authstack aged/);
  expect(Stalled?.reason).toBe('SpecInvalid');
  await eventually(async () => expect(await messagesAbout('aged', 'SpecInvalid')).toContain('spec.auth.replicas'));
  await eventually(async () => {
    const { Accepted } = await conditionsOf('shop', 'authconsumer/broken');
    expect(Accepted).toMatchObject({ status: 'False', reason: 'SpecInvalid' });
    expect(Accepted?.message).toContain('spec.stackRef');
  });

  // Beside the broken consumer the other still hears of its stack, and a new one is served.
  await applyTo(api, [authConsumer('late', 'well')]);
  await api.kubectl(['-n', 'shop', 'delete', 'secret', 'orders-keys']);
  await eventually(async () => {
    expect(await names('shop', 'secrets')).toEqual(expect.arrayContaining(['secret/late-keys', 'secret/orders-keys']));
  });
  expect(await names('shop', 'secrets')).toContain('secret/broken-keys');

  const mended = { spec: { auth: { replicas: 2 }, deletionPolicy: 'Retain' } };
  await api.kubectl(['-n', 'auth', 'patch', 'authstack', 'aged', '--type=merge', '-p', JSON.stringify(mended)]);
  await eventually(async () => {
    expect((await conditionsOf('auth', 'authstack/aged'))['Ready']?.reason).not.toBe('SpecInvalid');
  });
}, 120_000);

test('a stack with an unknown deletionPolicy is deleted, and its data stays', async () => {
  await applyTo(api, [authStack('odd')]);
  await eventually(async () => expect(await names('auth', 'secrets')).toContain('secret/odd-auth-secrets'));
  await storeUnchecked(['authstack/odd', 'auth', { auth: { replicas: 'two' }, deletionPolicy: 'delete' }]);

  await api.kubectl(['-n', 'auth', 'delete', 'authstack', 'odd', '--timeout=30s']);

  expect(await names('auth', 'secrets')).toContain('secret/odd-auth-secrets');
}, 120_000);

test('an event names the field of a spec that a rule of the CRD cannot read, and once corrected the stack is deleted', async () => {
  await applyTo(api, [authStack('unread')]);
  await eventually(async () => expect(await names('auth', 'secrets')).toContain('secret/unread-auth-secrets'));
  await storeUnchecked(['authstack/unread', 'auth', { auth: { audience: 'shop' } }]);

  await eventually(async () => expect(await messagesAbout('unread', 'SpecInvalid')).toContain('spec.auth.audience'));
  await api.kubectl(['-n', 'auth', 'delete', 'authstack', 'unread', '--wait=false']);

  const mended = { spec: { auth: { audience: ['shop'] } } };
  await api.kubectl(['-n', 'auth', 'patch', 'authstack', 'unread', '--type=merge', '-p', JSON.stringify(mended)]);
  await eventually(async () =>
    expect(await names('auth', 'authstacks')).not.toContain('authstack.authstack.dev/unread'),
  );
  expect(await names('auth', 'secrets')).toContain('secret/unread-auth-secrets');
}, 120_000);

test('a right that is missing is named with what to grant, is asked for ever less often, and stops nobody else', async () => {
  const [role] = operator.chart
    .map(({ object }) => object as RenderedObject & { readonly rules: readonly { readonly resources?: string[] }[] })
    .filter(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === `${SYSTEM}:auth-stack`);
  const without = role?.rules.map((rule) =>
    rule.resources?.includes('ingresses') === true ? { ...rule, verbs: ['list', 'watch'] } : rule,
  );
  await applyTo(api, [{ ...role, rules: without }]);

  await applyTo(api, [authStack('denied', { ingress: { className: 'nginx' } }), authStack('free')]);

  const missing = 'grant the account of the controller: patch on ingresses.networking.k8s.io in namespace auth';
  await eventually(async () => expect(await messagesAbout('denied', 'ReconcileFailed')).toContain(missing));
  await eventually(async () => {
    const { Ready, DatabaseReady } = await conditionsOf('auth', 'authstack/denied');
    expect(Ready).toMatchObject({ status: 'Unknown', reason: 'ReconcileFailed' });
    expect(Ready?.message).toContain(missing);
    // The other features still report what they observed.
    expect(DatabaseReady).toMatchObject({ reason: 'StorageClassNotFound' });
  });
  expect(await names('auth', 'secrets,services')).toEqual(
    expect.arrayContaining(['secret/free-signing-keys', 'service/free-auth']),
  );
  expect((await conditionsOf('auth', 'authstack/free'))['Ready']?.reason).not.toBe('ReconcileFailed');
  const times = (await auditedRequests(join(folder, 'audit.log')))
    .filter(
      ({ requestURI, responseStatus }) => requestURI.includes('/ingresses/denied-auth') && responseStatus?.code === 403,
    )
    .map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp));
  const [first = 0] = times;
  const later = times.filter((time) => time - first > 3_000);
  expect(later.length).toBeGreaterThan(0);
  expect(later.slice(1).filter((time, index) => time - (later[index] ?? 0) < 1_000)).toEqual([]);

  await applyTo(api, [{ ...role }]);
  await api.kubectl(['-n', 'auth', 'annotate', 'authstack', 'denied', 'look=again']);
  await eventually(async () => {
    expect(await names('auth', 'ingresses')).toContain('ingress.networking.k8s.io/denied-auth');
    expect((await conditionsOf('auth', 'authstack/denied'))['Ready']?.reason).not.toBe('ReconcileFailed');
  });
}, 120_000);

test('a Service of somebody else is named and left as it is, and the rest of the stack is made', async () => {
  const metadata = { name: 'taken-auth', namespace: 'auth' };
  await applyTo(api, [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'theirs', port: 1234 }] } },
  ]);

  await applyTo(api, [authStack('taken')]);

  await eventually(async () => {
    expect(await messagesAbout('taken', 'ReconcileFailed')).toContain(
      'services auth/taken-auth is not: rename or delete it',
    );
  });
  await eventually(async () => {
    expect(await names('auth', 'statefulsets,secrets')).toEqual(
      expect.arrayContaining(['statefulset.apps/taken-mongodb', 'secret/taken-signing-keys']),
    );
  });
  const port = await api.kubectl([
    '-n',
    'auth',
    'get',
    'service',
    'taken-auth',
    '-o',
    'jsonpath={.spec.ports[0].port}',
  ]);
  expect(port).toBe('1234');
}, 120_000);

/** As a cluster's administrator may have it; a policy takes a moment to be in force. */
async function refuseIngresses(): Promise<void> {
  const operations = ['CREATE', 'UPDATE'];
  const resourceRules = [
    { apiGroups: ['networking.k8s.io'], apiVersions: ['v1'], operations, resources: ['ingresses'] },
  ];
  const metadata = { name: 'no-nginx' };
  const group = { apiVersion: 'admissionregistration.k8s.io/v1', metadata };
  const expression = "object.spec.?ingressClassName.orValue('') != 'forbidden'";
  const validations = [{ expression, message: 'spec.ingressClassName: forbidden is no class of this cluster' }];
  await applyTo(api, [
    { ...group, kind: 'ValidatingAdmissionPolicy', spec: { matchConstraints: { resourceRules }, validations } },
    {
      ...group,
      kind: 'ValidatingAdmissionPolicyBinding',
      spec: { policyName: 'no-nginx', validationActions: ['Deny'] },
    },
  ]);
  await eventually(async () => {
    const ingress = [
      'create',
      'ingress',
      'try',
      '--class=forbidden',
      '--rule=a.example.com/*=a:80',
      '--dry-run=server',
    ];
    await expect(api.kubectl(['-n', 'auth', ...ingress])).rejects.toThrow('no class of this cluster');
  });
}

test('an object that the API server refuses for good is its feature own condition at once, and holds up no other', async () => {
  await refuseIngresses();
  const labels = { 'app.kubernetes.io/managed-by': 'authstack-operator', 'authstack.dev/stack': 'refused' };
  const metadata = { name: 'refused-mongodb-auth-user', namespace: 'auth', labels };
  const stringData = { username: 'auth', password: 'x', uri: 'mongodb://nowhere' };
  await applyTo(api, [
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData },
    authStack('refused', { ingress: { className: 'forbidden' } }),
  ]);

  await eventually(async () => {
    expect(await names('auth', 'deployments,services')).toEqual(
      expect.arrayContaining(['deployment.apps/refused-auth', 'service/refused-auth']),
    );
    const { AuthReady, Stalled, Ready } = await conditionsOf('auth', 'authstack/refused');
    expect(AuthReady).toMatchObject({ status: 'False', reason: 'ObjectRefused' });
    expect(AuthReady?.message).toMatch(/refuses Ingress refused-auth: .*spec\.ingressClassName: forbidden is no class/);
    expect(AuthReady?.message).toContain('kubectl -n auth edit authstack refused');
    expect(Stalled).toMatchObject({ status: 'True', reason: 'ObjectRefused' });
    expect(Ready?.reason).not.toBe('ReconcileFailed');
  });

  // It is observed by trying alone, so another pass must come to the same report.
  await api.kubectl(['-n', 'auth', 'annotate', 'authstack', 'refused', 'look=again']);
  const allowed = JSON.stringify({ spec: { auth: { ingress: { className: 'nginx' } } } });
  await api.kubectl(['-n', 'auth', 'patch', 'authstack', 'refused', '--type=merge', '-p', allowed]);
  await eventually(async () => {
    expect(await names('auth', 'ingresses')).toContain('ingress.networking.k8s.io/refused-auth');
    expect((await conditionsOf('auth', 'authstack/refused'))['AuthReady']?.reason).not.toBe('ObjectRefused');
  });
}, 120_000);
