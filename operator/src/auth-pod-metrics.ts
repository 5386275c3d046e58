import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { OUT_OF_SERVICE, SERVING_LABEL, STACK_LABEL } from './api/names.ts';
import type { Cluster } from './runtime/cluster.ts';
import { podKind } from './runtime/core-kinds.ts';

/** How many auth pods of each stack are out of service, read from the watch whenever somebody asks. */
export function exposeAuthPods(cluster: Pick<Cluster, 'cachedList'>, registry: Registry): void {
  new Gauge({
    name: 'authstack_auth_pods_out_of_service',
    help: 'Pods that the Service of an AuthStack sends nothing to, because they do not answer the operator.',
    labelNames: ['object_namespace', 'object_name'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { metadata } of cluster.cachedList(podKind, { labels: { [SERVING_LABEL]: OUT_OF_SERVICE } })) {
        const { namespace = '', labels = {} } = metadata;
        this.inc({ object_namespace: namespace, object_name: labels[STACK_LABEL] ?? '' });
      }
    },
  });
}
