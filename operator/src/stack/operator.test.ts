import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { run } from '../../../cluster/process.ts';
import { auditedRequests, startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { freePort, startServer } from '../../../test/support/processes.ts';
import type { Server } from '../../../test/support/processes.ts';
import { tool } from '../../../test/support/tools.ts';
import type { Condition, KubernetesObject } from '../runtime/objects.ts';
import { eventually } from '../runtime/testing/eventually.ts';

const root = join(import.meta.dirname, '../../..');
const SYSTEM = 'authstack-system';
const ACCOUNT = `system:serviceaccount:${SYSTEM}:auth-stack`;

let folder: string;
let api: ApiServer;
let operator: Server;

/** The operator as the chart runs it: its process, its account, its environment, against a real API server. */
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
  }
  const chart = await render();
  await apply(...chart.filter(({ kind }) => kind === 'CustomResourceDefinition'));
  await api.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  await apply(...chart.filter(({ kind }) => kind !== 'CustomResourceDefinition'));
  operator = await startOperator(environmentIn(chart));
}, 120_000);

afterAll(async () => {
  await operator.kill();
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function render(): Promise<KubernetesObject[]> {
  const chart = join(root, 'charts/auth-stack');
  const text = await run(await tool('helm'), ['template', 'auth-stack', chart, '--namespace', SYSTEM]);
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject | null);
  return objects.filter((object) => object !== null);
}

async function apply(...items: readonly object[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items };
  await api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(list));
}

interface Variable {
  readonly name: string;
  readonly value?: string;
}

/** What the chart's Deployment sets; the pod's own name and namespace come from the downward API there. */
function environmentIn(chart: readonly KubernetesObject[]): Record<string, string> {
  const deployment = chart.find(({ kind }) => kind === 'Deployment') as unknown as {
    readonly spec: { readonly template: { readonly spec: { readonly containers: { readonly env: Variable[] }[] } } };
  };
  const variables = deployment.spec.template.spec.containers.flatMap(({ env }) => env);
  const given = Object.fromEntries(variables.map(({ name, value }) => [name, value ?? '']));
  return { ...given, POD_NAME: 'operator-1', POD_NAMESPACE: SYSTEM };
}

async function startOperator(environment: Readonly<Record<string, string>>): Promise<Server> {
  const port = String(await freePort());
  const given = {
    ...environment,
    PATH: process.env['PATH'] ?? '',
    KUBECONFIG: await api.kubeconfigOf(SYSTEM, 'auth-stack'),
    AUTHSTACK_PROBE_PORT: port,
    AUTHSTACK_LOG_LEVEL: 'debug',
  };
  const variables = Object.entries(given).map(([name, value]) => `${name}=${value}`);
  const log = join(folder, 'operator.log');
  const answers = async (): Promise<void> => {
    const { ok, status } = await fetch(`http://127.0.0.1:${port}/readyz`);
    if (!ok) throw new Error(`readyz answers ${status}`);
  };
  const args = ['-i', ...variables, process.execPath, join(root, 'operator/src/main.ts')];
  return startServer('env', args, { log, answers });
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
        'Secret shop-ca',
        'Secret shop-mongodb-agent-tls',
        'Service shop-auth',
      ]),
    );
    expect(await namesOfOwn('shop')).not.toContain('Deployment shop-auth');
    expect(await conditionsOf('shop')).toMatchObject({ AuthReady: 'False/WaitingForDatabase' });
  });
});

test('the operator is refused nothing', async () => {
  const requests = await auditedRequests(join(folder, 'audit.log'));
  const refused = requests.filter(
    ({ user, responseStatus }) => user.username === ACCOUNT && responseStatus?.code === 403,
  );
  expect(refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
  expect(await readFile(join(folder, 'operator.log'), 'utf8')).not.toContain('forbidden');
});
