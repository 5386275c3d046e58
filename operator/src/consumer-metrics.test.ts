import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { authStackKind } from './api/auth-stack.ts';
import { exposeConsumers } from './consumer-metrics.ts';
import type { Cluster } from './runtime/cluster.ts';
import type { Kind, ObjectRef } from './runtime/objects.ts';

test('of each connected service it is told which phases of keys all of its instances have; of others nothing', async () => {
  const stackRef = { namespace: 'auth', name: 'shop' };
  const consumer = (name: string, status: object | undefined, spec: object = { stackRef }): object => ({
    ...{ metadata: { namespace: 'shop', name }, spec, status },
  });
  const consumers = [
    consumer('orders', { kids: ['k1', 'k2', 'k3', 'k4'], acknowledgedKids: ['k1', 'k3', 'k4'] }),
    consumer('reports', { kids: ['k1', 'k2', 'k3', 'k4'] }),
    consumer('new', undefined),
    consumer('elsewhere', { acknowledgedKids: [] }, { stackRef: { namespace: 'auth', name: 'gone' } }),
    consumer('broken', { acknowledgedKids: [] }, {}),
  ];
  const keys = [
    { kid: 'k4', state: 'Published' },
    { kid: 'k3', state: 'Active' },
    { kid: 'k2', state: 'Retiring' },
    { kid: 'k1', state: 'Retiring' },
  ];
  const cluster = {
    cachedList: () => consumers,
    cached: (kind: Kind, ref: ObjectRef) =>
      kind === authStackKind && ref.name === 'shop' ? { status: { signingKeys: { keys } } } : undefined,
  } as unknown as Cluster;
  const registry = new Registry();
  exposeConsumers(cluster, registry);
  const lines = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const orders = 'object_namespace="shop",object_name="orders",stack_namespace="auth",stack_name="shop",phase' as const;

  expect(await lines()).toEqual([
    `authstack_consumer_acknowledged{${orders}="next"} 1`,
    `authstack_consumer_acknowledged{${orders}="active"} 1`,
    `authstack_consumer_acknowledged{${orders}="retiring"} 0`,
  ]);
  consumers.splice(0, 1);
  expect(await lines()).toEqual([]);
});
