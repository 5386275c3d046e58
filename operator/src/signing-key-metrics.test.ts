import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { Cluster } from './runtime/cluster.ts';
import { exposeSigningKeys } from './signing-key-metrics.ts';

test('each stack has the time of its next rotation and of its last revocation, and a stack without keys has none', async () => {
  let signingKeys: object | undefined = {
    nextRotationTime: '2026-11-27T18:00:00Z',
    revoked: [
      { kid: 'k1', revokedTime: '2026-11-25T18:00:00Z' },
      { kid: 'k2', revokedTime: '2026-11-26T18:00:00Z' },
    ],
  };
  const cluster = {
    cachedList: () => [
      { metadata: { namespace: 'auth', name: 'shop' }, status: { signingKeys } },
      { metadata: { namespace: 'auth', name: 'waiting' }, status: { signingKeys: { nextKid: 'k1' } } },
      { metadata: { namespace: 'auth', name: 'new' } },
    ],
  } as unknown as Cluster;
  const registry = new Registry();
  exposeSigningKeys(cluster, registry);
  const lines = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  expect(await lines()).toEqual([
    'authstack_signing_key_next_rotation_timestamp_seconds{object_namespace="auth",object_name="shop"} 1795802400',
    'authstack_signing_key_last_revocation_timestamp_seconds{object_namespace="auth",object_name="shop"} 1795716000',
  ]);
  signingKeys = undefined;
  expect(await lines()).toEqual([]);
});
