import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../test/support/api-server.ts';
import type { ApiServer } from '../../test/support/api-server.ts';
import { applyTo } from '../../test/support/installed-operator.ts';
import type { Server } from '../../test/support/processes.ts';
import { labelsOf } from './api/names.ts';
import { eventually } from './runtime/testing/eventually.ts';
import { startHurriedOperator } from './testing/start-hurried-operator.ts';

const COUNT = 10;
/** In the name of everything that is deleted again, and of nothing else. */
const MARK = 'vanishing';

let folder: string;
let api: ApiServer;
let operator: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'memory-'));
  api = await startApiServer();
  const flags = ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${folder}`];
  ({ server: operator } = await startHurriedOperator(api, { folder, flags }));
}, 120_000);

afterAll(async () => {
  await operator.kill('SIGKILL');
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const names = Array.from({ length: COUNT }, (_, index) => `${MARK}-${index}`);
const OWN =
  'secrets,services,persistentvolumeclaims,pods,statefulsets,deployments,poddisruptionbudgets,ingresses,networkpolicies';

function authStack(name: string, annotations: object = {}): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name, namespace: 'auth', annotations },
    spec: { publicURL: `https://${name}.example.com`, auth: { audience: ['shop'] } },
  };
}

function consumer(name: string, annotations: object = {}): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthConsumer',
    metadata: { name: `${name}-consumer`, namespace: 'auth', annotations },
    spec: { stackRef: { namespace: 'auth', name }, secretName: `${name}-copy` },
  };
}

/** A member and an auth pod, whom the operator asks, in vain. */
async function startPods(name: string): Promise<void> {
  await startPod(`${name}-mongodb-0`, labelsOf({ metadata: { name } }, 'mongodb'));
  await startPod(`${name}-auth-0`, labelsOf({ metadata: { name } }, 'auth'));
}

async function startPod(pod: string, labels: object): Promise<void> {
  const spec = { containers: [{ name: 'one', image: 'one' }] };
  await applyTo(api, [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod, namespace: 'auth', labels }, spec }]);
  const conditions = [{ type: 'Ready', status: 'True' }];
  const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions };
  const patch = JSON.stringify({ status });
  await api.kubectl(['-n', 'auth', 'patch', 'pod', pod, '--subresource=status', '--type=merge', '-p', patch]);
}

async function deleteEverything(): Promise<void> {
  await api.kubectl(['-n', 'auth', 'delete', 'authstacks,authconsumers', '--all', '--timeout=60s']);
  // No controllers run here: neither the garbage collector, nor the one that takes its finalizer off a claim.
  await api.kubectl(['-n', 'auth', 'delete', OWN, '--all', '--force', '--grace-period=0', '--wait=false']);
  const claims = await api.kubectl(['-n', 'auth', 'get', 'persistentvolumeclaims', '-o', 'name']);
  const free = ['--type=merge', '-p', JSON.stringify({ metadata: { finalizers: null } })];
  await api.kubectl(['-n', 'auth', 'patch', ...claims.trim().split('\n'), ...free]);
  await eventually(async () => {
    expect(await api.kubectl(['-n', 'auth', 'get', OWN, '-o', 'name'])).not.toContain(MARK);
  });
}

let changes = 0;
/** Something changes in each kind, as it does in every cluster. */
async function lifeGoesOn(): Promise<void> {
  const labels = { 'app.kubernetes.io/managed-by': 'authstack-operator' };
  changes += 1;
  const metadata = { name: 'bystander', namespace: 'auth', labels, annotations: { change: String(changes) } };
  const port = { port: 80 };
  const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [port] } };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata };
  const { annotations } = metadata;
  await applyTo(api, [service, secret, authStack('bystander', annotations), consumer('bystander', annotations)]);
}

/** The names of deleted objects that are still somewhere in the operator's heap. */
async function remembered(): Promise<readonly string[]> {
  process.kill(operator.pid, 'SIGUSR2');
  const file = await eventually(async () => {
    const snapshot = (await readdir(folder)).find((name) => name.endsWith('.heapsnapshot'));
    if (snapshot === undefined) throw new Error('no snapshot yet');
    const text = await readFile(join(folder, snapshot), 'utf8');
    if (!text.trimEnd().endsWith('}')) throw new Error('the snapshot is not complete');
    return { snapshot, text };
  });
  await rm(join(folder, file.snapshot));
  const found = [...file.text.matchAll(new RegExp(`"[^"\\n]{0,200}${MARK}-\\d+[^"\\n]{0,200}"?`, 'g'))];
  return found.map(([text]) => text);
}

test('nothing in the operator remembers the objects that were deleted', async () => {
  await applyTo(
    api,
    names.flatMap((name) => [authStack(name), consumer(name)]),
  );
  for (const name of names) await startPods(name);
  await eventually(async () => {
    const secrets = await api.kubectl(['-n', 'auth', 'get', 'secrets', '-o', 'name']);
    expect(names.filter((name) => !secrets.includes(`/${name}-mongodb-agent-tls`))).toEqual([]);
  });
  expect((await remembered()).length).toBeGreaterThan(COUNT);

  await deleteEverything();
  await eventually(
    async () => {
      await lifeGoesOn();
      expect(await remembered()).toEqual([]);
    },
    { within: 60_000, every: 2_000 },
  );
}, 240_000);
