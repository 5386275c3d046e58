import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { exposeConditions } from './condition-metrics.ts';
import type { Cluster } from './runtime/cluster.ts';

test('each condition has one series, and what it said before has none', async () => {
  let reason = 'NoPrimary';
  const stack = () => ({
    metadata: { namespace: 'auth', name: 'shop' },
    status: { conditions: [{ type: 'Ready', status: reason === 'AllReady' ? 'True' : 'False', reason }] },
  });
  const cluster = {
    cachedList: ({ kind }: { kind: string }) =>
      kind === 'AuthStack' ? [stack(), { metadata: { namespace: 'auth', name: 'new' } }] : [],
  } as unknown as Cluster;
  const registry = new Registry();
  exposeConditions(cluster, registry);
  const lines = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const shop = 'kind="AuthStack",object_namespace="auth",object_name="shop",type="Ready"';

  expect(await lines()).toEqual([`authstack_condition{${shop},status="False",reason="NoPrimary"} 1`]);
  reason = 'AllReady';
  expect(await lines()).toEqual([`authstack_condition{${shop},status="True",reason="AllReady"} 1`]);
});
