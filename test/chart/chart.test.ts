import { readdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { run } from '../../cluster/process.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { prometheusOperatorCrds, tool } from '../support/tools.ts';

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Record<string, string>;
  };
  readonly rules?: readonly Rule[];
}

const chart = join(import.meta.dirname, '../../charts/auth-stack');
const matrix = await readdir(join(chart, 'ci'));
const NAMESPACE = 'authstack-system';

let server: ApiServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chart-'));
  server = await startApiServer();
  await server.kubectl(['apply', '--server-side', '-f', await prometheusOperatorCrds()]);
  await server.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  for (const namespace of [NAMESPACE, 'auth', 'shop']) {
    await server.kubectl(['create', 'namespace', namespace]);
    const enforce = 'pod-security.kubernetes.io/enforce=restricted';
    await server.kubectl(['label', 'namespace', namespace, enforce]);
  }
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function helm(args: readonly string[]): Promise<string> {
  return run(await tool('helm'), ['--namespace', NAMESPACE, ...args]);
}

async function render(...args: string[]): Promise<Rendered[]> {
  const text = await helm(['template', 'auth-stack', chart, ...args]);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

function ci(file: string): string {
  return join(chart, 'ci', file);
}

async function valuesFile(values: object): Promise<string> {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.json`);
  await writeFile(path, JSON.stringify(values));
  return path;
}

test.each(matrix)('%s lints', async (values) => {
  await expect(helm(['lint', '--strict', chart, '--values', ci(values)])).resolves.toContain('0 chart(s) failed');
});

test.each(matrix)('the API server accepts every object of %s', async (values) => {
  const objects = await render('--values', ci(values));
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  const args = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
  const answer = await server.kubectl(args, JSON.stringify(list));
  expect(answer.trim().split('\n')).toHaveLength(objects.length);
});

test.each(matrix)('the pod of %s is allowed where Pod Security is restricted', async (values) => {
  const [deployment] = (await render('--values', ci(values))).filter(({ kind }) => kind === 'Deployment');
  const { template } = (deployment as unknown as { spec: { template: { metadata: object; spec: object } } }).spec;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: 'try', namespace: NAMESPACE },
    // Neither account nor token exist here, and neither matters for Pod Security.
    spec: { ...template.spec, serviceAccountName: 'default', automountServiceAccountToken: false },
  };
  await server.kubectl(['-n', NAMESPACE, 'create', 'serviceaccount', 'default']).catch(() => undefined);
  const created = server.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod));
  await expect(created).resolves.toContain('pod/try created');
});

test.each(matrix)('no right of %s is a wildcard', async (values) => {
  for (const { rules = [] } of await render('--values', ci(values))) {
    const words = rules.flatMap((rule) => Object.values<readonly string[]>({ ...rule }).flat());
    expect(words).not.toContain('*');
  }
});

test('with listed namespaces no Secret can be read outside of them', async () => {
  const objects = await render('--values', ci('namespaces-values.yaml'));
  const readers = objects.filter(({ rules = [] }) => rules.some(({ resources = [] }) => resources.includes('secrets')));
  expect(readers.map(({ kind, metadata: { namespace } }) => `${kind} ${namespace ?? ''}`)).toEqual([
    'Role auth',
    'Role shop',
  ]);
});

test('who owns nothing but namespaces can install it: all that is outside of them can be left out', async () => {
  const off = { crds: { enabled: false }, rbac: { aggregate: false }, admissionPolicy: { enabled: false } };
  const objects = await render('--values', await valuesFile({ ...off, watchNamespaces: ['auth'] }));
  expect(objects.length).toBeGreaterThan(5);
  expect(objects.filter(({ metadata: { namespace } }) => namespace === undefined)).toEqual([]);
});

test('nothing for Prometheus or Grafana is made unasked', async () => {
  const kinds = (await render()).map(({ kind }) => kind);
  expect(kinds.filter((kind) => /Monitor|PrometheusRule|ConfigMap/.test(kind))).toEqual([]);
});

test('with listed namespaces only their pods are scraped', async () => {
  const asked = ['monitoring-values.yaml', 'namespaces-values.yaml'].flatMap((file) => ['--values', ci(file)]);
  const [monitor] = (await render(...asked)).filter(({ kind }) => kind === 'PodMonitor');
  expect(monitor).toMatchObject({ spec: { namespaceSelector: { matchNames: ['auth', 'shop'] } } });
});

test('uninstalling keeps the CRDs', async () => {
  const crds = (await render()).filter(({ kind }) => kind === 'CustomResourceDefinition');
  expect(crds.map(({ metadata: { name, annotations } }) => [name, annotations?.['helm.sh/resource-policy']])).toEqual([
    ['authconsumers.authstack.dev', 'keep'],
    ['authstacks.authstack.dev', 'keep'],
  ]);
});

test.each<[string, object, string]>([
  ['an unknown value', { replica: 2 }, "additional properties 'replica' not allowed"],
  ['an unknown value deep inside', { image: { operator: { registry: 'x' } } }, '/image/operator'],
  ['a text for a number', { replicas: 'two' }, '/replicas'],
  ['a malformed digest', { image: { auth: { digest: 'sha256:12' } } }, '/image/auth/digest'],
  ['an unknown pull policy', { image: { agent: { pullPolicy: 'Sometimes' } } }, '/image/agent/pullPolicy'],
  ['an unknown version of MongoDB', { mongodb: { images: { '3.6': 'mongo:3.6' } } }, '3.6'],
  [
    'a default version without an image',
    { mongodb: { defaultVersion: '8.0', images: { '8.0': null } } },
    'mongodb.defaultVersion',
  ],
  ['a namespace that is no name', { watchNamespaces: ['Auth'] }, '/watchNamespaces/0'],
  ['two replicas without a lease', { replicas: 2, leaderElection: { enabled: false } }, 'leaderElection.enabled'],
  ['a lease too short to renew', { leaderElection: { leaseDurationSeconds: 5 } }, 'leaseDurationSeconds'],
  ['an unknown log level', { logLevel: 'loud' }, '/logLevel'],
  ['a malformed interval', { monitoring: { podMonitor: { interval: 'often' } } }, '/monitoring/podMonitor/interval'],
  ['no account at all', { serviceAccount: { create: false } }, 'serviceAccount.name'],
])('%s is refused by its name', async (...[, values, named]) => {
  await expect(render('--values', await valuesFile(values))).rejects.toThrow(named);
});
