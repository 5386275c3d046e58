import { authConsumerKind, authConsumerSchemaError } from '../api/auth-consumer.ts';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import { authStackKind } from '../api/auth-stack.ts';
import { CONSUMERS_BY_STACK, CONSUMER_LABEL, STACK_LABEL, namesOf, namespaceOf } from '../api/names.ts';
import { performKubernetes } from '../runtime/cluster.ts';
import type { Cluster, ListOptions } from '../runtime/cluster.ts';
import { namespaceKind, secretKind } from '../runtime/core-kinds.ts';
import { keyOf } from '../runtime/objects.ts';
import type { KubernetesObject, ObjectRef } from '../runtime/objects.ts';
import type { Mapping } from '../runtime/mapping.ts';
import { labelsChanged, moreThanStatusChanged } from '../runtime/predicates.ts';
import type { Reconciler } from '../runtime/reconciler.ts';
import { observeConsumer } from './observe.ts';
import type { ConsumerPorts } from './observe.ts';
import { planConsumer } from './plan.ts';

/** Keeps the Secret of one AuthConsumer. Its deletion needs no hand: the Secret goes with its owner. */
export function createConsumerReconciler(ports: ConsumerPorts): Reconciler<AuthConsumer> {
  return {
    refuse(consumer) {
      const schemaError = authConsumerSchemaError(consumer);
      if (schemaError === undefined) return undefined;
      const { name } = consumer.metadata;
      const message = `${schemaError}. Correct it: kubectl -n ${namespaceOf(consumer)} edit authconsumer ${name}; its Secret stays as it is`;
      return {
        conditions: [
          { type: 'Accepted', status: 'False', reason: 'SpecInvalid', message },
          { type: 'InSync', status: 'Unknown', reason: 'SpecInvalid', message },
        ],
        events: [{ type: 'Warning', reason: 'SpecInvalid', message }],
      };
    },
    async apply(consumer, pass) {
      const { status, ...plan } = planConsumer(await observeConsumer(consumer, ports, pass));
      const outcome = { ...plan, status: { ...status } };
      try {
        for (const action of plan.actions) await performKubernetes(action, ports.cluster, pass);
        return outcome;
      } catch (failure) {
        return { ...outcome, failure };
      }
    },
  };
}

/** What else concerns an AuthConsumer: its stack, the stack's keys, its own copies, and the labels of its namespace. */
export function consumerMappings(cluster: Cluster): readonly Mapping[] {
  const keysOf = (options: ListOptions): readonly string[] =>
    cluster.cachedList(authConsumerKind, options).map(({ metadata }) => keyOf(metadata));
  const ofStack = (stack: ObjectRef): readonly string[] =>
    keysOf({ index: { name: CONSUMERS_BY_STACK, value: keyOf(stack) } });
  return [
    // A stack tells its status after every pass; each of its consumers would have a pass for that.
    { kind: authStackKind, keys: ({ metadata }) => ofStack(metadata), when: moreThanStatusChanged },
    { kind: namespaceKind, keys: ({ metadata }) => keysOf({ namespace: metadata.name }), when: labelsChanged },
    {
      kind: secretKind,
      keys: ({ metadata }: KubernetesObject) => {
        const { namespace = '', labels = {} } = metadata;
        const consumer = labels[CONSUMER_LABEL];
        if (consumer !== undefined) return [keyOf({ namespace, name: consumer })];
        const stack = labels[STACK_LABEL];
        if (stack === undefined) return [];
        const { jwks, ca } = namesOf(stack);
        return metadata.name === jwks || metadata.name === ca ? ofStack({ namespace, name: stack }) : [];
      },
    },
  ];
}
