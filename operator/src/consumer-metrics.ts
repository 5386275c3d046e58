import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { authConsumerKind, stackRefOf } from './api/auth-consumer.ts';
import { authStackKind } from './api/auth-stack.ts';
import type { AuthStack } from './api/auth-stack.ts';
import type { Cluster } from './runtime/cluster.ts';

type SigningKeys = NonNullable<NonNullable<AuthStack['status']>['signingKeys']>;
type State = NonNullable<SigningKeys['keys']>[number]['state'];

/** As the auth pods' metrics call them. */
const phases: Readonly<Record<State, string>> = { Published: 'next', Active: 'active', Retiring: 'retiring' };

/**
 * Whether the services that verify tokens have the keys, read from the watch whenever somebody asks. For each AuthConsumer and
 * not for each of its pods: those come and go, and the AuthConsumer names one that is behind.
 */
export function exposeConsumers(cluster: Pick<Cluster, 'cached' | 'cachedList'>, registry: Registry): void {
  new Gauge({
    name: 'authstack_consumer_acknowledged',
    help: 'Per AuthConsumer: 1 while every connected instance of its service has the keys of the stack in that phase, 0 while one lacks some; absent: none is connected.',
    labelNames: ['object_namespace', 'object_name', 'stack_namespace', 'stack_name', 'phase'],
    registers: [registry],
    collect() {
      this.reset();
      for (const consumer of cluster.cachedList(authConsumerKind)) {
        const { metadata, status: { acknowledgedKids } = {} } = consumer;
        const stack = stackRefOf(consumer);
        if (!stack || !acknowledgedKids) continue;
        const { keys = [] } = cluster.cached(authStackKind, stack)?.status?.signingKeys ?? {};
        for (const [state, ofState] of Map.groupBy(keys, (key) => key.state)) {
          const labels = {
            ...{ object_namespace: metadata.namespace ?? '', object_name: metadata.name },
            ...{ stack_namespace: stack.namespace, stack_name: stack.name, phase: phases[state] },
          };
          this.set(labels, ofState.every(({ kid }) => acknowledgedKids.includes(kid)) ? 1 : 0);
        }
      }
    },
  });
}
