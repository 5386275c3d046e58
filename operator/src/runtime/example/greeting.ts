import { configMapKind } from '../core-kinds.ts';
import type { Cluster } from '../cluster.ts';
import type { Kind, KubernetesObject } from '../objects.ts';
import { controlledBy } from '../owners.ts';
import { TerminalError } from '../reconciler.ts';
import type { Reconciler } from '../reconciler.ts';

export interface Greeting extends KubernetesObject {
  readonly spec: { readonly to: string };
}

export const greetingKind: Kind<Greeting> = {
  apiVersion: 'example.com/v1',
  kind: 'Greeting',
  plural: 'greetings',
  namespaced: true,
};

/** Keeps a ConfigMap of the same name with the greeting. */
export function createGreeter(cluster: Cluster): Reconciler<Greeting> {
  return {
    async apply(greeting, { signal }) {
      const { name, namespace = '' } = greeting.metadata;
      const { to } = greeting.spec;
      if (to === '') throw new TerminalError('spec.to is empty: name somebody to greet');
      const configMap = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'greeter' } },
        data: { text: `Hello, ${to}!` },
      };
      await cluster.apply(configMapKind, controlledBy(configMap, greeting), { signal });
      const message = `ConfigMap ${name} greets ${to}`;
      return { conditions: [{ type: 'Ready', status: 'True', reason: 'Greeted', message }], status: { to } };
    },
  };
}
