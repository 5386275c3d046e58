import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { aFormerIssuer } from './former-issuer.ts';
import { gatewayManifests } from './gateway.ts';
import { bundled, readerManifests } from './key-set-reader.ts';
import { ordersFor } from './orders-manifests.ts';
import { Stack } from './stack.ts';

/** What scenarios put into the cluster, as far as an API server alone can tell. */

const names = { stack: 'e2e-1', orders: 'e2e-1-mount-only', reader: 'e2e-1-reader', gateway: 'e2e' } as const;

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer({ crds: true });
  for (const name of Object.values(names)) {
    const labels = name === 'e2e' ? {} : { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
      // There is no controller here that makes it.
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } },
    );
  }
}, 120_000);
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function apply(...items: readonly object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await api.kubectl(['apply', '--server-side', '--validate=strict', '-f', '-'], list);
}

interface Workload {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly template: { readonly metadata: object; readonly spec: object } };
}

/** Applies them, and what their controllers would make of them: only of Pods Pod Security asks more than a warning. */
async function applyWithPods(manifests: readonly object[]): Promise<void> {
  const pods = (manifests as readonly Workload[])
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ metadata, spec: { template } }) => ({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, ...metadata }, spec: template.spec },
    }));
  expect(pods).toHaveLength(1);
  await apply(...manifests, ...pods);
}

const stack = { namespace: names.stack, name: 'main' };

test('an API server takes a stack that brings its key along, and the key before it', async () => {
  const { kid, privateKey } = aFormerIssuer('2024-07');
  const importFrom = { secretRef: { name: 'former-key' }, kid };
  const secrets = { 'former-key': { key: privateKey } };
  await apply(...new Stack(stack, { members: 1, secrets, spec: { signingKeys: { importFrom } } }).manifests());
  const stored = await api.kubectl(['-n', names.stack, 'get', 'secret', 'former-key', '-o', 'jsonpath={.data.key}']);
  expect(atob(stored)).toBe(privateKey);
});

test('orders is told not to connect where a scenario says so, and in no other way', async () => {
  const example = await readFile(join(import.meta.dirname, '../../examples/orders.yaml'), 'utf8');
  const place = { namespace: names.orders, image: 'orders:1' };
  const [connected, mountOnly] = [true, false].map((feed) =>
    JSON.stringify(ordersFor(stack, example, { ...place, feed })),
  );
  expect(mountOnly?.replace(',{"name":"ORDERS_FEED","value":"false"}', '')).toBe(connected);
  expect(mountOnly).not.toBe(connected);
  await applyWithPods(ordersFor(stack, example, { ...place, feed: false }));
});

test('the program of the key set reader fits into its ConfigMap, and its pod into a restricted namespace', async () => {
  const options = { namespace: names.reader, stack, image: 'orders:1', program: await bundled(), gateway: '10.0.0.9' };
  await applyWithPods(readerManifests(options));
});

test('the gateway takes the place of one from before', async () => {
  const [conf, service, deployment] = gatewayManifests({ image: 'nginx:1', resolver: '10.0.0.10' });
  const { spec } = service as { spec: { ports: object[] } };
  const ports = [{ port: 8080, nodePort: 30_081 }];
  await apply({ ...service, spec: { ...spec, ports } });
  await applyWithPods([conf ?? {}, service ?? {}, deployment ?? {}]);
});
