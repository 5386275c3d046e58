import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { labelsOf } from './api/names.ts';
import { exposeAuthPods } from './auth-pod-metrics.ts';
import type { Cluster, ListOptions } from './runtime/cluster.ts';
import type { Kind } from './runtime/objects.ts';
import { Store } from './runtime/store.ts';

test('the metric counts the pods out of service of each stack, and has no series for a stack without any', async () => {
  const pods = new Store();
  const add = (stack: string, number: number, serving: string): void => {
    const labels = { ...labelsOf({ metadata: { name: stack } }, 'auth'), 'authstack.dev/serving': serving };
    const metadata = {
      name: `${stack}-auth-${number}`,
      namespace: 'auth',
      labels,
      resourceVersion: serving.length.toString(),
    };
    pods.set({ apiVersion: 'v1', kind: 'Pod', metadata });
  };
  const cluster = { cachedList: (_kind: Kind, options?: ListOptions) => pods.list(options) } as unknown as Cluster;
  const registry = new Registry();
  exposeAuthPods(cluster, registry);
  const lines = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  add('shop', 1, 'true');
  expect(await lines()).toEqual([]);
  add('shop', 2, 'false');
  add('shop', 3, 'false');
  expect(await lines()).toEqual(['authstack_auth_pods_out_of_service{object_namespace="auth",object_name="shop"} 2']);
});
