import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { applyTo, installOperator } from '../../../test/support/installed-operator.ts';
import type { InstalledOperator } from '../../../test/support/installed-operator.ts';
import { SERVING_LABEL, labelsOf, selectorOf } from '../api/names.ts';
import { ListeningPod } from '../auth-pods/testing/listening-pod.ts';
import type { Condition } from '../runtime/objects.ts';
import { eventually } from '../runtime/testing/eventually.ts';

const SYSTEM = 'authstack-system';
const shop = { metadata: { name: 'shop' } };
/** The operator's seconds are real ones here, and a busy machine has fewer of them. */
const patient = { within: 60_000, every: 200 };

let folder: string;
let api: ApiServer;
let operator: InstalledOperator | undefined;
let pods: readonly ListeningPod[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serving-'));
  api = await startApiServer();
  for (const namespace of [SYSTEM, 'auth']) await api.kubectl(['create', 'namespace', namespace]);
  // Made by a controller elsewhere; no pod is admitted without.
  await api.kubectl(['-n', 'auth', 'create', 'serviceaccount', 'default']);
  pods = await Promise.all([ListeningPod.at('127.72.0.1'), ListeningPod.at('127.72.0.2')]);
  // Pods of an operator that had no such label.
  for (const pod of pods) await addPod(pod);
  const release = { name: 'auth-stack', namespace: SYSTEM };
  operator = await installOperator(api, { release, log: join(folder, 'operator.log') });
  await applyStack();
  await eventually(reportTwoReplicas);
}, 120_000);

beforeEach(async () => {
  for (const pod of pods) pod.thaw();
  await eventually(async () => {
    expect(await labels()).toEqual(['true', 'true']);
    expect(await authReady()).toMatchObject({ status: 'True', reason: 'AllReplicasAvailable' });
  }, patient);
}, 90_000);

afterAll(async () => {
  await operator?.[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  for (const pod of pods) await pod[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const nameOf = (pod: ListeningPod): string => `shop-auth-${pod.ip.split('.').at(-1) ?? ''}`;

/** As its ReplicaSet makes it and its kubelet reports it, which do not run here. */
async function addPod(pod: ListeningPod): Promise<void> {
  const metadata = { name: nameOf(pod), namespace: 'auth', labels: labelsOf(shop, 'auth') };
  const spec = { nodeName: `node-of-${nameOf(pod)}`, containers: [{ name: 'auth', image: 'auth' }] };
  await applyTo(api, [{ apiVersion: 'v1', kind: 'Pod', metadata, spec }]);
  const conditions = [{ type: 'Ready', status: 'True' }];
  await patch(['pod', nameOf(pod), '--subresource=status'], {
    status: { phase: 'Running', podIP: pod.ip, podIPs: [{ ip: pod.ip }], conditions },
  });
}

async function applyStack(spec: object = {}): Promise<void> {
  await applyTo(api, [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'shop-mongodb-auth-user', namespace: 'auth', labels: labelsOf(shop, 'mongodb') },
      stringData: { username: 'auth', password: 'x', uri: 'mongodb://nowhere' },
    },
    {
      apiVersion: 'authstack.dev/v1alpha1',
      kind: 'AuthStack',
      metadata: { name: 'shop', namespace: 'auth' },
      spec: { publicURL: 'https://shop.example.com', auth: { audience: ['shop'] }, ...spec },
    },
  ]);
}

/** As the controller of Deployments, which does not run here. */
async function reportTwoReplicas(): Promise<void> {
  const { metadata } = await get<{ metadata: { generation: number } }>('deployment', 'shop-auth');
  const counts = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
  await patch(['deployment', 'shop-auth', '--subresource=status'], {
    status: { observedGeneration: metadata.generation, ...counts },
  });
}

async function get<T>(kind: string, name: string): Promise<T> {
  return JSON.parse(await api.kubectl(['-n', 'auth', 'get', kind, name, '-o', 'json'])) as T;
}

async function patch(target: readonly string[], change: object): Promise<void> {
  await api.kubectl(['-n', 'auth', 'patch', ...target, '--type=merge', '-p', JSON.stringify(change)]);
}

function labels(): Promise<readonly (string | undefined)[]> {
  return Promise.all(
    pods.map(async (pod) => {
      const { metadata } = await get<{ metadata: { labels: Record<string, string> } }>('pod', nameOf(pod));
      return metadata.labels[SERVING_LABEL];
    }),
  );
}

async function authReady(): Promise<Condition | undefined> {
  const { status } = await get<{ status?: { conditions?: readonly Condition[] } }>('authstack', 'shop');
  return status?.conditions?.find(({ type }) => type === 'AuthReady');
}

async function notesOf(reason: string): Promise<string> {
  const fields = ['--field-selector', `reason=${reason}`, '-o', 'jsonpath={.items[*].note}'];
  return api.kubectl(['-n', 'auth', 'get', 'events.events.k8s.io', ...fields]);
}

test('pods of an earlier operator get the label, and then the Service asks for it; nothing else does', async () => {
  await eventually(async () => {
    const { spec } = await get<{ spec: { selector: object } }>('service', 'shop-auth');
    expect(spec.selector).toEqual({ ...selectorOf(shop, 'auth'), [SERVING_LABEL]: 'true' });
  });
  interface Deployment {
    readonly spec: { readonly selector: object; readonly template: { readonly metadata: { readonly labels: object } } };
  }
  const { selector, template } = (await get<Deployment>('deployment', 'shop-auth')).spec;
  expect(template.metadata.labels).toMatchObject({ [SERVING_LABEL]: 'true' });
  for (const kind of ['networkpolicy', 'pdb']) {
    expect(JSON.stringify(await get(kind, 'shop-auth'))).not.toContain(SERVING_LABEL);
  }
  expect(selector).toEqual({ matchLabels: selectorOf(shop, 'auth') });
});

test('a pod that stops answering is out of the Service until it answers again', async () => {
  pods[0]?.freeze();
  await eventually(async () => {
    expect(await labels()).toEqual(['false', 'true']);
    expect(await authReady()).toMatchObject({ status: 'True', reason: 'PodOutOfService' });
  }, patient);
  expect((await authReady())?.message).toBe(
    '1 of 2 pods of the auth service serve; Pod shop-auth-1 on node node-of-shop-auth-1 did not answer the operator, so ' +
      'Service shop-auth sends nothing there: kubectl describe node node-of-shop-auth-1',
  );
  await eventually(async () => expect(await notesOf('PodTakenOutOfService')).toContain('Pod shop-auth-1'));

  pods[0]?.thaw();
  await eventually(async () => expect(await labels()).toEqual(['true', 'true']), patient);
  await eventually(async () => expect(await notesOf('PodBackInService')).toContain('Pod shop-auth-1'));
}, 150_000);

test('when no pod answers, none is taken out, and the condition names the network as the suspect', async () => {
  for (const pod of pods) pod.freeze();
  await eventually(async () => {
    expect(await authReady()).toMatchObject({ status: 'True', reason: 'PodsUnreachable' });
  }, patient);
  expect(await labels()).toEqual(['true', 'true']);
  expect((await authReady())?.message).toContain('NetworkPolicies and firewalls between the operator and the pods');
}, 90_000);

test('a suspended operator reports a pod that does not answer, and leaves it where it is', async () => {
  await applyStack({ suspend: true });
  pods[1]?.freeze();
  await eventually(async () => {
    const { reason, message } = (await authReady()) ?? {};
    expect(reason).toBe('PodOutOfService');
    expect(message).toContain('(pending: spec.suspend is true)');
  }, patient);
  expect(await labels()).toEqual(['true', 'true']);
  await applyStack({ suspend: false });
  await eventually(async () => expect(await labels()).toEqual(['true', 'false']), patient);
}, 150_000);
