import { authConsumerKind, authConsumerSchemaError, secretRefOf } from '../api/auth-consumer.ts';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import { authStackKind } from '../api/auth-stack.ts';
import {
  CONSUMERS_BY_SECRET,
  CONSUMERS_BY_SERVICE_ACCOUNT,
  CONSUMERS_BY_STACK,
  CONSUMER_LABEL,
  STACK_LABEL,
  namesOf,
  namespaceOf,
} from '../api/names.ts';
import { performKubernetes } from '../runtime/cluster.ts';
import type { Cluster, ListOptions } from '../runtime/cluster.ts';
import { namespaceKind, secretKind, serviceAccountKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { keyOf } from '../runtime/objects.ts';
import type { KubernetesObject, Millis, ObjectRef } from '../runtime/objects.ts';
import { isRefused } from '../runtime/failure.ts';
import { mapping } from '../runtime/mapping.ts';
import type { Mapping } from '../runtime/mapping.ts';
import {
  any,
  generationChanged,
  identityChanged,
  labelsChanged,
  moreThanStatusChanged,
} from '../runtime/predicates.ts';
import type { Outcome, Pass, Reconciler, ReportedEvent } from '../runtime/reconciler.ts';
import type { ConsumerPlan } from './conditions.ts';
import { observeConsumer, observeTerminating } from './observe.ts';
import type { ConsumerPorts } from './observe.ts';
import { planConsumer, writeRefused } from './plan.ts';
import { planTerminating } from './terminating.ts';
import type { ConsumerAction } from './types.ts';

/** Keeps the Secret of one AuthConsumer. It has no finalizer of ours: the Secret goes with its owner. */
export function createConsumerReconciler(ports: ConsumerPorts): Reconciler<AuthConsumer> {
  return {
    refuse: refuseInvalidSpec,
    async apply(consumer, pass) {
      const seen = await observeConsumer(consumer, ports, pass);
      const plan = planConsumer(seen);
      const { copy, failure } = await perform(plan.actions, ports, pass);
      if (isRefused(failure)) return outcomeOf(writeRefused(seen, failure.message), 'WriteRefused');
      if (failure !== undefined) return { ...outcomeOf(plan), failure };
      // What the API server accepted counts as seen: a rotation writes each status once, and not before and after its copy.
      return outcomeOf(copy ? planConsumer({ ...seen, copy: { state: 'ours', secret: copy } }) : plan);
    },
    async terminating(consumer, pass) {
      const plan = planTerminating(observeTerminating(consumer, ports, pass));
      const { failure } = await perform(plan.actions, ports, pass);
      return { ...outcomeOf(plan), ...(failure !== undefined && { failure }) };
    },
  };
}

interface Result {
  /** The copy as it was written. */
  readonly copy?: Secret;
  /** Returned and not thrown, so that what was observed is reported all the same. */
  readonly failure?: unknown;
}

/** In order until one fails. */
async function perform(actions: readonly ConsumerAction[], { cluster }: ConsumerPorts, pass: Pass): Promise<Result> {
  let copy: Secret | undefined;
  try {
    for (const action of actions) {
      const performed = await performKubernetes(action, cluster, pass);
      if ('object' in action && performed === 'done') copy = action.object;
    }
    return { ...(copy && { copy }) };
  } catch (failure) {
    return { failure };
  }
}

/** With an event for the condition of that reason. */
function outcomeOf({ status, ...plan }: ConsumerPlan, warning?: string): Outcome {
  const message = plan.conditions.find(({ reason }) => reason === warning)?.message;
  const events: readonly ReportedEvent[] =
    warning !== undefined && message !== undefined ? [{ type: 'Warning', reason: warning, message }] : [];
  return { ...plan, status: { ...status }, events };
}

function refuseInvalidSpec(consumer: AuthConsumer): Outcome | undefined {
  const schemaError = authConsumerSchemaError(consumer);
  if (schemaError === undefined) return undefined;
  const { name } = consumer.metadata;
  const message =
    `${schemaError}. Correct it: kubectl -n ${namespaceOf(consumer)} edit authconsumer ${name}. Its Secret stays as it is ` +
    `until then`;
  return {
    conditions: [
      { type: 'Accepted', status: 'False', reason: 'SpecInvalid', message },
      { type: 'InSync', status: 'Unknown', reason: 'SpecInvalid', message },
    ],
    events: [{ type: 'Warning', reason: 'SpecInvalid', message }],
  };
}

/** Consumers that come together are recorded together, and each record concerns all of them. */
const CLIENTS_SETTLE: Millis = 250;

/**
 * What else concerns an AuthConsumer: its stack, the stack's keys, its copies, the labels of its namespace, and whatever
 * holds or held the name of its Secret.
 */
export function consumerMappings(cluster: Cluster): readonly Mapping[] {
  const keysOf = (options: ListOptions): readonly string[] =>
    cluster.cachedList(authConsumerKind, options).map(({ metadata }) => keyOf(metadata));
  const ofStack = (stack: ObjectRef): readonly string[] =>
    keysOf({ index: { name: CONSUMERS_BY_STACK, value: keyOf(stack) } });
  const namingSecret = (secret: ObjectRef): readonly string[] =>
    keysOf({ index: { name: CONSUMERS_BY_SECRET, value: keyOf(secret) } });
  const ofServiceAccount = (account: ObjectRef): readonly string[] =>
    keysOf({ index: { name: CONSUMERS_BY_SERVICE_ACCOUNT, value: keyOf(account) } });
  return [
    {
      ...mapping(authConsumerKind, (consumer) => {
        const secret = secretRefOf(consumer);
        return secret ? namingSecret(secret).filter((key) => key !== keyOf(consumer.metadata)) : [];
      }),
      when: moreThanStatusChanged,
    },
    // Not for its annotations: the one that revokes a key would bring each of 500 consumers a pass just before the pass that counts.
    { kind: authStackKind, keys: ({ metadata }) => ofStack(metadata), when: any(generationChanged, identityChanged) },
    { kind: namespaceKind, keys: ({ metadata }) => keysOf({ namespace: metadata.name }), when: labelsChanged },
    {
      kind: secretKind,
      keys: ({ metadata }: KubernetesObject) => {
        const { namespace = '', labels = {} } = metadata;
        const consumer = labels[CONSUMER_LABEL];
        if (consumer !== undefined) return [keyOf({ namespace, name: consumer }), ...namingSecret(metadata)];
        const stack = labels[STACK_LABEL];
        if (stack === undefined) return [];
        const { jwks, ca } = namesOf(stack);
        return metadata.name === jwks || metadata.name === ca ? ofStack({ namespace, name: stack }) : [];
      },
    },
    {
      kind: secretKind,
      keys: ({ metadata: { name, namespace = '', labels = {} } }: KubernetesObject) => {
        const stack = labels[STACK_LABEL];
        const isClients = stack !== undefined && (name === namesOf(stack).clients || name === namesOf(stack).clientKey);
        return isClients ? ofStack({ namespace, name: stack }) : [];
      },
      settle: CLIENTS_SETTLE,
    },
    { kind: serviceAccountKind, keys: ({ metadata }) => ofServiceAccount(metadata), when: identityChanged },
  ];
}
