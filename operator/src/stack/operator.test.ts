import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { run } from '../../../cluster/process.ts';
import { auditedRequests, startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { applyTo, installOperator } from '../../../test/support/installed-operator.ts';
import type { InstalledOperator } from '../../../test/support/installed-operator.ts';
import { startMongod } from '../../../test/support/mongod.ts';
import type { Mongod } from '../../../test/support/mongod.ts';
import { tool } from '../../../test/support/tools.ts';
import { authorityOf } from '../certificates/testing/authority.ts';
import type { AuthorityKey } from '../certificates/testing/authority.ts';
import type { Condition, KubernetesObject } from '../runtime/objects.ts';
import { eventually } from '../runtime/testing/eventually.ts';

const SYSTEM = 'authstack-system';

let folder: string;
let api: ApiServer;
let operator: InstalledOperator | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'operator-'));
  api = await startApiServer({ auditLog: join(folder, 'audit.log') });
  await api.kubectl(['create', 'namespace', SYSTEM]);
  for (const namespace of ['auth', 'shop']) {
    const metadata = {
      name: namespace,
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted', trusted: 'true' },
    };
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata });
    // Made by a controller elsewhere; no pod is admitted without.
    await api.kubectl(['-n', namespace, 'create', 'serviceaccount', 'default']);
  }
  const release = { name: 'auth-stack', namespace: SYSTEM };
  operator = await installOperator(api, { release, log: join(folder, 'operator.log') });
}, 120_000);

afterAll(async () => {
  await operator?.[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function apply(...items: readonly object[]): Promise<void> {
  return applyTo(api, items);
}

function authStack(name: string, spec: object = {}): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name, namespace: 'auth' },
    spec: {
      publicURL: `https://${name}.example.com`,
      auth: { audience: ['shop'], ingress: { className: 'nginx' } },
      consumers: { allowedNamespaces: { from: 'Selector', selector: { matchLabels: { trusted: 'true' } } } },
      ...spec,
    },
  };
}

interface OwnSecret {
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
  readonly namespace?: string;
  /** Namespace of the stack, where it is another. */
  readonly home?: string;
}

function ownSecret(stack: string, { name, data, namespace = 'auth', home }: OwnSecret): object {
  const labels = {
    'app.kubernetes.io/managed-by': 'authstack-operator',
    'authstack.dev/stack': stack,
    ...(home !== undefined && { 'authstack.dev/stack-namespace': home }),
  };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels }, stringData: data };
}

interface Workload extends KubernetesObject {
  readonly spec: {
    readonly template: {
      readonly metadata: object;
      readonly spec: { readonly volumes?: readonly object[] };
    };
  };
}

interface Listed {
  readonly items: readonly KubernetesObject[];
}

async function list(kinds: string, ...args: readonly string[]): Promise<readonly KubernetesObject[]> {
  return (JSON.parse(await api.kubectl(['get', kinds, '-o', 'json', ...args])) as Listed).items;
}

const OWN = 'secrets,services,statefulsets,deployments,poddisruptionbudgets,ingresses,networkpolicies';

async function namesOfOwn(stack: string): Promise<string[]> {
  const objects = await list(OWN, '-n', 'auth', '-l', `authstack.dev/stack=${stack}`);
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort((a, b) => a.localeCompare(b));
}

async function messageOf(stack: string, type: string): Promise<string> {
  const path = `jsonpath={.status.conditions[?(@.type=="${type}")].message}`;
  return api.kubectl(['-n', 'auth', 'get', 'authstack', stack, '-o', path]);
}

async function conditionsOf(stack: string): Promise<Record<string, string>> {
  const text = await api.kubectl(['-n', 'auth', 'get', 'authstack', stack, '-o', 'jsonpath={.status.conditions}']);
  const conditions = JSON.parse(text === '' ? '[]' : text) as Condition[];
  return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status}/${reason}`]));
}

test('a stack gets its authority, its certificate and its secrets before anything that needs them', async () => {
  await apply(authStack('shop'));
  await eventually(async () => {
    expect(await namesOfOwn('shop')).toEqual(
      expect.arrayContaining([
        'Secret shop-auth-secrets',
        'Secret shop-auth-tls',
        'Secret shop-ca',
        'Secret shop-mongodb-agent-tls',
        'Service shop-auth',
      ]),
    );
    expect(await namesOfOwn('shop')).not.toContain('Deployment shop-auth');
    expect(await conditionsOf('shop')).toMatchObject({ AuthReady: 'False/WaitingForDatabase' });
  });
});

test('a suspended stack is looked at and left alone', async () => {
  await apply(authStack('still', { suspend: true }));
  await eventually(async () => {
    expect(await conditionsOf('still')).toMatchObject({ Suspended: 'True/Requested', Stalled: 'False/Progressing' });
  });
  expect(await messageOf('still', 'DatabaseReady')).toContain('(pending: spec.suspend is true)');
  expect(await namesOfOwn('still')).toEqual([]);

  await apply(authStack('still', { suspend: false }));
  await eventually(async () => expect(await namesOfOwn('still')).toContain('Secret still-ca'));
  await eventually(async () => expect(await conditionsOf('still')).not.toHaveProperty('Suspended'));

  await apply(authStack('still', { suspend: true }));
  await api.kubectl(['-n', 'auth', 'wait', 'authstack', 'still', '--for=jsonpath={.status.observedGeneration}=3']);
  await api.kubectl(['-n', 'auth', 'delete', 'service', 'still-auth', '--ignore-not-found']);
  await api.kubectl(['-n', 'auth', 'annotate', 'authstack', 'still', 'look=again']);
  await api.kubectl(['-n', 'auth', 'delete', 'authstack', 'still', '--timeout=20s']);
  expect(await namesOfOwn('still')).not.toContain('Service still-auth');
});

test('a pepper that is gone after the replica set was initiated is named and not made anew', async () => {
  const identity = { state: 'initiated', version: '8.0', 'replica-set-id': '65a000000000000000000001' };
  await apply(ownSecret('lost', { name: 'lost-mongodb-identity', data: identity }), authStack('lost'));
  await eventually(async () => {
    expect(await conditionsOf('lost')).toMatchObject({ AuthReady: 'False/SecretLost', Stalled: 'True/SecretLost' });
  });
  expect(await namesOfOwn('lost')).not.toContain('Secret lost-auth-secrets');
});

describe('the auth secrets of a stack with an external database', () => {
  let mongod: Mongod;
  let database: MongoClient;

  beforeAll(async () => {
    mongod = await startMongod({ replicaSet: 'rs0', initiate: true });
    database = new MongoClient(mongod.uri);
  }, 60_000);

  afterAll(async () => {
    await database.close();
    await mongod[Symbol.asyncDispose]();
  });

  const uriOf = (name: string): string => mongod.uri.replace('/?', `/${name}?`);

  async function applyExternal(name: string, uri: string): Promise<void> {
    const metadata = { name: `${name}-uri`, namespace: 'auth' };
    const external = { uriSecretRef: { name: `${name}-uri` } };
    await apply(
      { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { uri } },
      authStack(name, { mongodb: { external } }),
    );
  }

  async function messageOf(stack: string, type: string): Promise<string> {
    const path = `jsonpath={.status.conditions[?(@.type=="${type}")].message}`;
    return api.kubectl(['-n', 'auth', 'get', 'authstack', stack, '-o', path]);
  }

  test('are lost where the database has users, although nothing in the cluster shows an earlier start', async () => {
    await database.db('used').collection('users').insertOne({ email: 'somebody@example.com' });
    await applyExternal('ext-used', uriOf('used'));
    await eventually(async () => {
      expect(await conditionsOf('ext-used')).toMatchObject({ AuthReady: 'False/SecretLost' });
    });
    expect(await messageOf('ext-used', 'AuthReady')).toContain('collection users of database used has users');
    expect(await namesOfOwn('ext-used')).not.toContain('Secret ext-used-auth-secrets');
  });

  test('are created where the database is empty', async () => {
    await applyExternal('ext-new', uriOf('new'));
    await eventually(async () => expect(await namesOfOwn('ext-new')).toContain('Secret ext-new-auth-secrets'));
  });

  test('are not created while the database cannot be read, and are once it can be', async () => {
    await mongod.kill();
    await applyExternal('ext-away', uriOf('away').replace('://', '://auth:hunter2@'));
    await eventually(async () => {
      expect(await conditionsOf('ext-away')).toMatchObject({ AuthReady: 'Unknown/DatabaseNotRead' });
    });
    const message = await messageOf('ext-away', 'AuthReady');
    expect(message).toMatch(
      /cannot read the database of Secret ext-away-uri .* ECONNREFUSED .*restore Secret ext-away/s,
    );
    expect(message).not.toContain('hunter2');
    expect(await namesOfOwn('ext-away')).not.toContain('Secret ext-away-auth-secrets');

    await mongod.restart();
    await applyExternal('ext-away', uriOf('away'));
    await eventually(async () => expect(await namesOfOwn('ext-away')).toContain('Secret ext-away-auth-secrets'), {
      within: 30_000,
    });
  }, 60_000);
});

test('a Secret of somebody else is named and left as it is', async () => {
  const metadata = { name: 'foreign-ca', namespace: 'auth' };
  await apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { theirs: 'x' } }, authStack('foreign'));
  await eventually(async () => {
    expect(await conditionsOf('foreign')).toMatchObject({ Stalled: 'True/CertificateAuthorityNotOwned' });
  });
  const data = await api.kubectl(['-n', 'auth', 'get', 'secret', 'foreign-ca', '-o', 'jsonpath={.data}']);
  expect(JSON.parse(data)).toEqual({ theirs: Buffer.from('x').toString('base64') });
});

test('a damaged authority is named, left alone, and its return heals the stack', async () => {
  await apply(
    ownSecret('damaged', { name: 'damaged-ca', data: { 'tls.crt': 'x', 'tls.key': 'y' } }),
    authStack('damaged'),
  );
  await eventually(async () => {
    expect(await conditionsOf('damaged')).toMatchObject({ Stalled: 'True/CertificateAuthorityMalformed' });
  });
  await api.kubectl(['-n', 'auth', 'delete', 'secret', 'damaged-ca']);
  await eventually(async () => {
    expect(await namesOfOwn('damaged')).toEqual(expect.arrayContaining(['Secret damaged-mongodb-agent-tls']));
    expect((await conditionsOf('damaged'))['Stalled']).not.toBe('True/CertificateAuthorityMalformed');
  });
});

test('an authority of somebody is used where it can sign, and named where not, while everything else continues', async () => {
  const bring = async (name: string, key: AuthorityKey): Promise<void> => {
    const { certificate, privateKey } = await authorityOf(key, Date.now());
    const data = { 'tls.crt': certificate, 'tls.key': privateKey };
    await apply(ownSecret(name, { name: `${name}-ca`, data }), authStack(name));
  };
  await bring('rsa', 'RSA 3072');
  await bring('odd-key', 'Ed25519');
  await eventually(async () => {
    expect(await namesOfOwn('rsa')).toContain('Secret rsa-mongodb-agent-tls');
    expect(await namesOfOwn('odd-key')).toEqual(
      expect.arrayContaining(['Secret odd-key-auth-secrets', 'Secret odd-key-signing-keys', 'Service odd-key-auth']),
    );
    expect(await conditionsOf('odd-key')).toMatchObject({ Stalled: 'True/CertificateAuthorityMalformed' });
  });
  expect((await conditionsOf('rsa'))['Stalled']).not.toContain('Certificate');
  expect((await conditionsOf('odd-key'))['Ready']).not.toContain('ReconcileFailed');
});

test('the replicas of an autoscaler stay, whatever else of the Deployment changes', async () => {
  const uri = { username: 'auth', password: 'x', uri: 'mongodb://nowhere' };
  await apply(ownSecret('scaled', { name: 'scaled-mongodb-auth-user', data: uri }), authStack('scaled'));
  await eventually(async () => expect(await namesOfOwn('scaled')).toContain('Deployment scaled-auth'));
  const deployment = ['-n', 'auth', 'deployment', 'scaled-auth'];
  const scale = async (manager: string, replicas: number): Promise<void> => {
    const how = ['--subresource=scale', '--type=merge', `--field-manager=${manager}`];
    await api.kubectl(['patch', ...deployment, ...how, '-p', JSON.stringify({ spec: { replicas } })]);
  };
  const applyTtl = async (seconds: number): Promise<void> => {
    await apply(authStack('scaled', { auth: { audience: ['shop'], accessTokenTTL: `${seconds}s` } }));
    await eventually(async () => {
      const template = await api.kubectl([
        'get',
        ...deployment,
        '-o',
        'jsonpath={.spec.template.spec.containers[0].env}',
      ]);
      expect(template).toContain(`"${seconds}"`);
    });
  };
  const replicas = (): Promise<string> => api.kubectl(['get', ...deployment, '-o', 'jsonpath={.spec.replicas}']);

  await scale('kube-controller-manager', 5);
  await applyTtl(901);
  expect(await replicas()).toBe('5');
  await scale('kube-controller-manager', 3);
  await applyTtl(902);
  expect(await replicas()).toBe('3');

  await scale('kubectl', 7);
  await eventually(async () => expect(await replicas()).toBe('2'));
});

test('deleting under Retain keeps Secrets and volumes, and the same name finds them again', async () => {
  await apply(authStack('kept'));
  await eventually(async () => {
    expect(await namesOfOwn('kept')).toEqual(expect.arrayContaining(['Secret kept-auth-secrets', 'Secret kept-ca']));
  });
  await eventually(async () => {
    expect(await list('pvc', '-n', 'auth', '-l', 'authstack.dev/stack=kept')).toHaveLength(1);
  });
  const pepper = (): Promise<string> => api.kubectl(['-n', 'auth', 'get', 'secret', 'kept-auth-secrets', '-o', 'json']);
  const before = await pepper();

  await api.kubectl(['-n', 'auth', 'delete', 'authstack', 'kept', '--timeout=20s']);

  expect(await pepper()).toBe(before);
  expect(await list('pvc', '-n', 'auth', '-l', 'authstack.dev/stack=kept')).toHaveLength(1);
  await apply(authStack('kept'));
  await eventually(async () => {
    expect((await conditionsOf('kept'))['AuthReady']).toBeDefined();
    expect((await conditionsOf('kept'))['AuthReady']).not.toContain('Secret');
  });
  expect(await pepper()).toBe(before);
});

test('deleting under Delete takes Secrets, volumes and copies along, and nothing of another stack', async () => {
  const copy = ownSecret('gone', { name: 'gone-copy', namespace: 'shop', data: { 'jwks.json': '{}' }, home: 'auth' });
  const others = ownSecret('gone', {
    name: 'their-copy',
    namespace: 'shop',
    data: { 'jwks.json': '{}' },
    home: 'other',
  });
  await apply(authStack('gone', { deletionPolicy: 'Delete' }), copy, others);
  await eventually(async () => {
    expect(await namesOfOwn('gone')).toEqual(expect.arrayContaining(['Secret gone-auth-secrets', 'Secret gone-ca']));
  });
  await eventually(async () => {
    expect(await list('pvc', '-n', 'auth', '-l', 'authstack.dev/stack=gone')).toHaveLength(1);
  });

  await api.kubectl(['-n', 'auth', 'delete', 'authstack', 'gone', '--timeout=20s']);

  expect((await namesOfOwn('gone')).filter((name) => name.startsWith('Secret'))).toEqual([]);
  const [claim] = await list('pvc', '-n', 'auth', '-l', 'authstack.dev/stack=gone');
  // Kubernetes holds a volume until no pod uses it; asking is all that can be done without one.
  expect(claim === undefined || claim.metadata.deletionTimestamp !== undefined).toBe(true);
  const copies = await list('secrets', '-n', 'shop', '-l', 'authstack.dev/stack=gone');
  expect(copies.map(({ metadata }) => metadata.name)).toEqual(['their-copy']);
});

test('every pod that a stack asks for is allowed where Pod Security is restricted', async () => {
  const workloads = await eventually(async () => {
    const found = (await list(
      'statefulsets,deployments',
      '-n',
      'auth',
      '-l',
      'authstack.dev/stack=shop',
    )) as Workload[];
    expect(found.map(({ kind }) => kind)).toContain('StatefulSet');
    return found;
  });
  for (const { metadata, spec } of workloads) {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      ...spec.template,
      metadata: { ...spec.template.metadata, name: 'try' },
    };
    // The StatefulSet's controller adds the claim; only its name matters here.
    const volumes = [...(pod.spec.volumes ?? []), { name: 'data', emptyDir: {} }];
    const podSpec = { ...pod.spec, volumes: metadata.name === 'shop-mongodb' ? volumes : (pod.spec.volumes ?? []) };
    const input = JSON.stringify({ ...pod, metadata: { ...pod.metadata, namespace: 'auth' }, spec: podSpec });
    await expect(api.kubectl(['create', '--dry-run=server', '-f', '-'], input)).resolves.toContain('pod/try created');
  }
});

/** The StatefulSet of the members; what its controller does is done by hand here. */
async function membersOfShop(): Promise<Workload> {
  return eventually(async () => {
    const [found] = await list('statefulset', '-n', 'auth', '--field-selector', 'metadata.name=shop-mongodb');
    expect(found).toBeDefined();
    return found as Workload;
  });
}

async function reportStatus(status: object): Promise<void> {
  const patch = JSON.stringify({ status });
  await api.kubectl([
    ...['-n', 'auth', 'patch', 'statefulset', 'shop-mongodb', '--subresource=status', '--type=merge', '-p', patch],
  ]);
}

test('pods that a quota refuses are reported with the cause, and are tried again', async () => {
  const { metadata } = await membersOfShop();
  const cause = 'pods "shop-mongodb-0" is forbidden: failed quota: small: must specify limits.cpu';
  const event = {
    ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'refused', namespace: 'auth' } },
    ...{ type: 'Warning', reason: 'FailedCreate', action: 'Create', eventTime: new Date().toISOString() },
    ...{ reportingController: 'statefulset-controller', reportingInstance: 'test' },
    regarding: {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      name: 'shop-mongodb',
      namespace: 'auth',
      uid: metadata.uid,
    },
    note: `create Pod shop-mongodb-0 in StatefulSet shop-mongodb failed error: ${cause}`,
  };
  await api.kubectl(
    ['create', '-f', '-'],
    JSON.stringify({ ...event, eventTime: `${event.eventTime.slice(0, 23)}000Z` }),
  );
  await reportStatus({ replicas: 0, observedGeneration: metadata.generation });
  await eventually(async () => {
    expect(await conditionsOf('shop')).toMatchObject({ DatabaseReady: 'False/PodsNotCreated' });
    expect((await membersOfShop()).metadata.annotations).toHaveProperty(['authstack.dev/pods-retried-at']);
  });
  const message = 'jsonpath={.status.conditions[?(@.type=="DatabaseReady")].message}';
  expect(await api.kubectl(['-n', 'auth', 'get', 'authstack', 'shop', '-o', message])).toContain(cause);
  await api.kubectl(['-n', 'auth', 'delete', 'event', 'refused']);
});

test('a pod of ours whose label was taken off is reported as exactly that, and not as a member that starts', async () => {
  const set = await membersOfShop();
  const labels = Object.fromEntries(
    Object.entries((set.metadata.labels ?? {}) as Record<string, string>).filter(
      ([key]) => !key.includes('managed-by'),
    ),
  );
  const { spec } = set.spec.template;
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'shop-mongodb-0', namespace: 'auth', labels } },
    spec: { ...spec, volumes: [...(spec.volumes ?? []), { name: 'data', emptyDir: {} }] },
  };
  await api.kubectl(['create', '-f', '-'], JSON.stringify(pod));
  // As its controller counts it, by the labels of the selector.
  await reportStatus({ replicas: 1, observedGeneration: set.metadata.generation });
  await eventually(async () => {
    expect(await conditionsOf('shop')).toMatchObject({ DatabaseReady: 'False/ObjectNotLabelled' });
  });

  const message = 'jsonpath={.status.conditions[?(@.type=="DatabaseReady")].message}';
  const reported = await api.kubectl(['-n', 'auth', 'get', 'authstack', 'shop', '-o', message]);
  const command = /kubectl (-n auth label --overwrite pod shop-mongodb-0 \S+ \S+)$/.exec(reported)?.[1] ?? '';
  await api.kubectl(command.split(' '));
  await eventually(async () => {
    expect((await conditionsOf('shop'))['DatabaseReady']).not.toBe('False/ObjectNotLabelled');
  });
});

test('the account of the operator cannot write what is not its own', async () => {
  const kubeconfig = await api.kubeconfigOf(SYSTEM, 'auth-stack');
  const asOperator = async (...args: string[]): Promise<string> =>
    run(await tool('kubectl'), ['--kubeconfig', kubeconfig, '-n', 'shop', ...args]);
  const label = 'app.kubernetes.io/managed-by=authstack-operator';
  await api.kubectl(['-n', 'shop', 'create', 'secret', 'generic', 'theirs']);

  await expect(asOperator('create', 'secret', 'generic', 'unlabelled')).rejects.toThrow(
    'may only write objects labelled',
  );
  await expect(asOperator('label', 'secret', 'theirs', label)).rejects.toThrow('may only write objects labelled');
  await expect(asOperator('delete', 'secret', 'theirs')).rejects.toThrow('may only write objects labelled');
});

test('the operator is refused nothing', async () => {
  const requests = await auditedRequests(join(folder, 'audit.log'));
  const refused = requests.filter(
    ({ userAgent, responseStatus }) => userAgent === 'authstack-operator' && responseStatus?.code === 403,
  );
  expect(refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
  expect(await readFile(join(folder, 'operator.log'), 'utf8')).not.toContain('forbidden');
});
