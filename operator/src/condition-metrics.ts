import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { authConsumerKind } from './api/auth-consumer.ts';
import { authStackKind } from './api/auth-stack.ts';
import type { Cluster } from './runtime/cluster.ts';
import type { Condition, KubernetesObject } from './runtime/objects.ts';

type Conditioned = KubernetesObject & { readonly status?: { readonly conditions?: readonly Condition[] | undefined } };

/**
 * The conditions of every AuthStack and AuthConsumer, read from the watch whenever somebody asks. The labels are not called
 * `namespace` and `name`, which a scrape gives to the operator's own pod.
 */
export function exposeConditions(cluster: Pick<Cluster, 'cachedList'>, registry: Registry): void {
  new Gauge({
    name: 'authstack_condition',
    help: 'Conditions of AuthStacks and AuthConsumers: 1 for the status and reason that each has.',
    labelNames: ['kind', 'object_namespace', 'object_name', 'type', 'status', 'reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const kind of [authStackKind, authConsumerKind]) {
        for (const { metadata, status } of cluster.cachedList<Conditioned>(kind)) {
          const object = { kind: kind.kind, object_namespace: metadata.namespace ?? '', object_name: metadata.name };
          for (const { type, status: value, reason } of status?.conditions ?? []) {
            this.set({ ...object, type, status: value, reason }, 1);
          }
        }
      }
    },
  });
}
