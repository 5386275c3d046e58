import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { authStackKind } from './api/auth-stack.ts';
import type { AuthStack } from './api/auth-stack.ts';
import type { Cluster } from './runtime/cluster.ts';

/**
 * When the next key of each stack is due to sign, read from the watch whenever somebody asks. How old the active key is, the auth
 * pods say, which sign with it.
 */
export function exposeSigningKeys(cluster: Pick<Cluster, 'cachedList'>, registry: Registry): void {
  new Gauge({
    name: 'authstack_signing_key_next_rotation_timestamp_seconds',
    help: 'When the next signing key of an AuthStack is due to sign; in the past while something holds it up.',
    labelNames: ['object_namespace', 'object_name'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { metadata, status } of cluster.cachedList<AuthStack>(authStackKind)) {
        const dueAt = Date.parse(status?.signingKeys?.nextRotationTime ?? '');
        if (Number.isNaN(dueAt)) continue;
        this.set({ object_namespace: metadata.namespace ?? '', object_name: metadata.name }, dueAt / 1000);
      }
    },
  });
}
