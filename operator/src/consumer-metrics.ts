import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { authConsumerKind, stackRefOf } from './api/auth-consumer.ts';
import type { AuthConsumer } from './api/auth-consumer.ts';
import { authStackKind } from './api/auth-stack.ts';
import type { AuthStack } from './api/auth-stack.ts';
import type { Cluster } from './runtime/cluster.ts';

type Keys = NonNullable<NonNullable<NonNullable<AuthStack['status']>['signingKeys']>['keys']>;

/** As the auth pods' metrics call them. */
const phases: Readonly<Record<Keys[number]['state'], string>> = {
  Published: 'next',
  Active: 'active',
  Retiring: 'retiring',
};

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
        const stack = stackRefOf(consumer);
        if (!stack) continue;
        const { namespace = '', name } = consumer.metadata;
        const labels = { object_namespace: namespace, object_name: name };
        const ofStack = { stack_namespace: stack.namespace, stack_name: stack.name };
        const keys = cluster.cached(authStackKind, stack)?.status?.signingKeys?.keys ?? [];
        for (const [phase, hasAll] of acknowledged(consumer, keys)) {
          this.set({ ...labels, ...ofStack, phase }, hasAll ? 1 : 0);
        }
      }
    },
  });
}

function acknowledged({ status }: AuthConsumer, keys: Keys): readonly (readonly [phase: string, hasAll: boolean])[] {
  const kids = status?.acknowledgedKids;
  if (!kids) return [];
  const byPhase = Map.groupBy(keys, ({ state }) => phases[state]);
  return [...byPhase].map(([phase, ofPhase]) => [phase, ofPhase.every(({ kid }) => kids.includes(kid))]);
}
