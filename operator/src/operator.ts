import { NO_STACK, authConsumerKind, secretRefOf, serviceAccountRefOf, stackRefOf } from './api/auth-consumer.ts';
import type { AuthConsumer } from './api/auth-consumer.ts';
import { authStackKind } from './api/auth-stack.ts';
import { consumerConditionTypes, stackConditionTypes, transientConditionTypes } from './api/reasons.ts';
import {
  APPLIED_HASH_ANNOTATION,
  CONSUMERS_BY_SECRET,
  CONSUMERS_BY_SERVICE_ACCOUNT,
  CONSUMERS_BY_STACK,
  CONSUMER_LABEL,
  FIELD_MANAGER,
  FINALIZER,
  MANAGED_BY_LABEL,
  STACK_LABEL,
  STACK_NAMESPACE_LABEL,
} from './api/names.ts';
import type { Component } from './api/names.ts';
import { createAgentClient } from './agents/client.ts';
import { createMemberStreams } from './agents/observe.ts';
import { authPodClient } from './auth-pods/client.ts';
import { AcknowledgementPoll, awaitsConfirmations } from './auth-pods/acknowledgements.ts';
import { createAuthPodClients } from './auth-pods/clients-client.ts';
import { createAuthPodKeys } from './auth-pods/keys-client.ts';
import type { AuthPodAddress } from './auth-pods/ask.ts';
import type { AuthPodKeys } from './auth-pods/keys-client.ts';
import { createAuthPodProber, isReady } from './auth-pods/prober.ts';
import { databaseClient } from './auth-service/database-client.ts';
import { createServingReconciler } from './auth-service/reconcile.ts';
import { createOperatorIdentities } from './certificates/operator-identity.ts';
import { consumerMappings, createConsumerReconciler } from './consumers/reconcile.ts';
import type { Settings } from './environment.ts';
import type { RememberedPrimary } from './mongodb/members/last-primary.ts';
import type { ApiClient } from './runtime/client.ts';
import type { Clock } from './runtime/clock.ts';
import {
  deploymentKind,
  ingressKind,
  namespaceKind,
  networkPolicyKind,
  persistentVolumeClaimKind,
  podDisruptionBudgetKind,
  podKind,
  secretKind,
  serviceAccountKind,
  serviceKind,
  statefulSetKind,
  storageClassKind,
} from './runtime/core-kinds.ts';
import type { Log } from './runtime/log.ts';
import { createManager } from './runtime/manager.ts';
import { mapping } from './runtime/mapping.ts';
import type { Mapping } from './runtime/mapping.ts';
import type { Manager } from './runtime/manager.ts';
import type { RuntimeMetrics } from './runtime/metrics.ts';
import { keyOf, refOf } from './runtime/objects.ts';
import type { Kind, KubernetesObject, Millis } from './runtime/objects.ts';
import { createServiceAccountIssuer } from './runtime/service-account-issuer.ts';
import type { ServiceAccountIssuer } from './runtime/service-account-issuer.ts';
import { identityChanged, labelsChanged } from './runtime/predicates.ts';
import { createPodClient } from './runtime/pod-client.ts';
import type { PodClient } from './runtime/pod-client.ts';
import type { ClockOffset, ServerClock } from './runtime/server-clock.ts';
import { WakeUps } from './runtime/wake-ups.ts';
import type { KeysPorts } from './signing-keys/observe.ts';
import type { Remembered as RememberedWrappingKeys } from './signing-keys/wrapping-keys.ts';
import { createStackReconciler } from './stack/reconcile.ts';
import { createFailedCreates } from './workloads/pods-not-created.ts';

export interface OperatorDeps {
  readonly client: ApiClient;
  /** For the lease alone. */
  readonly leaseClient?: ApiClient;
  readonly clock: Clock;
  /** Of the API server, as its answers say; absent: the clocks are not compared. */
  readonly serverClock?: Pick<ServerClock, 'offset'>;
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
}

/** Passes wait for the API server and for agents, some of them on nodes that are gone; few of them compute. */
const MAX_CONCURRENT_RECONCILES = 16;

/**
 * A new key changes every copy and every AuthConsumer, and a pass of the stack looks at all of them: with a pass for each
 * change 500 copies took 1,000 passes, and three quarters of the time that they needed.
 */
const CONSUMERS_SETTLE: Millis = 1_000;

const AUTH: Component = 'auth';

/** Kinds of which only our own objects are watched. */
export const ownKinds: readonly Kind[] = [
  secretKind,
  serviceKind,
  persistentVolumeClaimKind,
  podKind,
  statefulSetKind,
  deploymentKind,
  podDisruptionBudgetKind,
  ingressKind,
  networkPolicyKind,
];

/** Kinds of which every object is watched. */
export const foreignKinds: readonly Kind[] = [authStackKind, namespaceKind, serviceAccountKind];

/** Registers what is watched and which reconciler each kind has; `run` of the result does the work. */
export function createOperator(settings: Settings, { leaseClient, serverClock, ...deps }: OperatorDeps): Manager {
  const manager = createManager({
    ...deps,
    fieldManager: FIELD_MANAGER,
    hashAnnotation: APPLIED_HASH_ANNOTATION,
    identity: settings.identity,
    namespaces: settings.namespaces,
    ...(settings.leaderElection && { pod: { namespace: settings.leaderElection.namespace, name: settings.identity } }),
    ...(settings.leaderElection && {
      leaderElection: { ...settings.leaderElection, ...(leaseClient && { client: leaseClient }) },
    }),
  });
  // No Role in a namespace can give a right to what is in none.
  const seesCluster = settings.namespaces.length === 0;
  watchKinds(manager, { seesCluster });
  const clockOffset = (): ClockOffset | undefined => serverClock?.offset;
  const issuerChanges = new WakeUps();
  const serviceAccountIssuer = createServiceAccountIssuer({
    ...{ client: deps.client, clock: deps.clock },
    isNeeded: () => consumersWithIdentity(manager).length > 0,
    onChange: () => {
      for (const consumer of consumersWithIdentity(manager)) issuerChanges.wake(keyOf(consumer.metadata));
    },
  });
  manager.whileLeading((signal) => serviceAccountIssuer.run(signal));
  const { clock } = deps;
  const { cluster, perObject } = manager;
  const identityOf = createOperatorIdentities({ cluster, now: () => clock.now(), perObject });
  const pods = createPodClient({ identityOf, perObject });
  const authPodKeys = createAuthPodKeys(pods);
  controlStacks(manager, {
    ...{ seesCluster, clockOffset, serviceAccountIssuer, issuerChanges, pods, authPodKeys },
    ...{ clock, images: settings.images },
  });
  controlConsumers(manager, { serviceAccountIssuer, issuerChanges, authPodKeys, clock });
  return manager;
}

function watchKinds(manager: Manager, { seesCluster }: { readonly seesCluster: boolean }): void {
  for (const kind of foreignKinds) manager.watch(kind);
  if (seesCluster) manager.watch(storageClassKind);
  manager.watch(authConsumerKind, {
    indexers: {
      [CONSUMERS_BY_STACK]: stackKeysOf,
      [CONSUMERS_BY_SECRET]: secretKeysOf,
      [CONSUMERS_BY_SERVICE_ACCOUNT]: serviceAccountKeysOf,
    },
  });
  for (const kind of ownKinds) {
    const labelSelector = `${MANAGED_BY_LABEL}=${FIELD_MANAGER}`;
    manager.watch(kind, { labelSelector, labels: [STACK_LABEL, CONSUMER_LABEL, 'app.kubernetes.io/instance'] });
  }
}

interface StackSettings extends Pick<Settings, 'images'>, Pick<KeysPorts, 'clockOffset'> {
  readonly serviceAccountIssuer: ServiceAccountIssuer;
  /** Of AuthConsumers whose tokens another issuer or key may sign from now on. */
  readonly issuerChanges: WakeUps;
  readonly seesCluster: boolean;
  readonly clock: Clock;
  readonly pods: PodClient;
  readonly authPodKeys: AuthPodKeys;
}

function controlStacks(
  manager: Manager,
  { seesCluster, clock, clockOffset, images, serviceAccountIssuer, issuerChanges, pods, authPodKeys }: StackSettings,
): void {
  const { cluster, perObject } = manager;
  const now = (): number => clock.now();
  const agents = createAgentClient(pods);
  const authPodClients = createAuthPodClients(pods);
  const failedCreates = createFailedCreates({ cluster, perObject });
  const wakeUps = new WakeUps();
  const servingWakeUps = new WakeUps();
  const authPodProber = createAuthPodProber({
    clock,
    followPods: (listener) => {
      manager.follow(podKind, listener);
    },
    onChange: (stack) => {
      servingWakeUps.wake(keyOf(stack));
      wakeUps.wake(keyOf(stack));
    },
  });
  manager.whileRunning((signal) => authPodProber.run(signal));
  manager.control({
    name: 'authstack-serving',
    concurrency: MAX_CONCURRENT_RECONCILES,
    kind: authStackKind,
    reconciler: createServingReconciler({ cluster, authPodProber }),
    wakeUps: servingWakeUps,
    finalizer: FINALIZER,
    conditionTypes: stackConditionTypes,
    writesStatus: false,
    mappings: [{ kind: podKind, keys: (pod) => (isAuthPod(pod) ? stackOf(pod) : []) }],
  });
  const memberStreams = createMemberStreams({
    agents,
    perObject,
    clock,
    wake: (stack) => {
      wakeUps.wake(stack);
    },
  });
  manager.whileLeading((signal) => memberStreams.run(signal));
  issuerChanges.follow((consumer) => {
    for (const stack of stacksOf(cluster.cached(authConsumerKind, refOf(consumer)))) wakeUps.wake(stack);
  });
  const primaries = perObject<RememberedPrimary>(authStackKind);
  const wrappingKeys = perObject<RememberedWrappingKeys>(authStackKind);
  const everyStack = (): readonly string[] => cluster.cachedList(authStackKind).map(({ metadata }) => keyOf(metadata));
  manager.control({
    name: 'authstack',
    concurrency: MAX_CONCURRENT_RECONCILES,
    kind: authStackKind,
    reconciler: createStackReconciler({
      ...{ cluster, agents, authPodClient, authPodKeys, authPodProber, databaseClient, failedCreates },
      ...{
        memberStreams,
        primaries,
        wrappingKeys,
        now,
        clockOffset,
        images,
        seesCluster,
        serviceAccountIssuer,
        authPodClients,
      },
    }),
    wakeUps,
    finalizer: FINALIZER,
    conditionTypes: stackConditionTypes,
    transientConditionTypes,
    installationField: 'operator',
    mappings: [
      ...ownKinds.map((kind): Mapping => ({ kind, keys: (object) => (isCopy(object) ? [] : stackOf(object)) })),
      ...(seesCluster ? [{ kind: storageClassKind, keys: everyStack }] : []),
      { kind: secretKind, keys: (object) => (isCopy(object) ? stackOf(object) : []), settle: CONSUMERS_SETTLE },
      {
        ...mapping(authConsumerKind, stacksOf),
        settle: CONSUMERS_SETTLE,
      },
      // Who consents, and whose tokens are theirs.
      {
        kind: namespaceKind,
        keys: ({ metadata: { name } }) => cluster.cachedList(authConsumerKind, { namespace: name }).flatMap(stacksOf),
        when: labelsChanged,
      },
      {
        kind: serviceAccountKind,
        keys: ({ metadata }) =>
          cluster
            .cachedList(authConsumerKind, { index: { name: CONSUMERS_BY_SERVICE_ACCOUNT, value: keyOf(metadata) } })
            .flatMap(stacksOf),
        when: identityChanged,
      },
    ],
  });
}

type ConsumerSettings = Pick<StackSettings, 'serviceAccountIssuer' | 'issuerChanges' | 'authPodKeys' | 'clock'>;

function controlConsumers(
  manager: Manager,
  { serviceAccountIssuer, issuerChanges, authPodKeys, clock }: ConsumerSettings,
): void {
  const wakeUps = new WakeUps();
  const wake = (consumer: string): void => {
    wakeUps.wake(consumer);
  };
  issuerChanges.follow(wake);
  const acknowledgements = new AcknowledgementPoll({
    clock,
    pods: () => authPodsWithConsumers(manager),
    urgentPods: () => {
      const isUrgent = new Set(
        manager.cluster
          .cachedList(authStackKind)
          .filter((stack) => awaitsConfirmations(stack, clock.now()))
          .map(({ metadata }) => keyOf(metadata)),
      );
      return isUrgent.size === 0
        ? []
        : authPodsWithConsumers(manager).filter(({ stack }) => isUrgent.has(keyOf(stack)));
    },
    ask: (pod, call) => authPodKeys.verifiers(pod, call),
    onChange: wake,
  });
  manager.whileLeading((signal) => acknowledgements.run(signal));
  manager.control({
    name: 'authconsumer',
    concurrency: MAX_CONCURRENT_RECONCILES,
    kind: authConsumerKind,
    reconciler: createConsumerReconciler({ cluster: manager.cluster, serviceAccountIssuer, acknowledgements }),
    wakeUps,
    finalizer: FINALIZER,
    conditionTypes: consumerConditionTypes,
    // A new key is in all copies, and a revoked one in none, before anybody is told.
    reportsLast: true,
    installationField: 'operator',
    mappings: consumerMappings(manager.cluster),
  });
}

/** Where services may be connected. */
function authPodsWithConsumers({ cluster }: Manager): readonly AuthPodAddress[] {
  const hasConsumers = (stack: string): boolean =>
    cluster.cachedList(authConsumerKind, { index: { name: CONSUMERS_BY_STACK, value: stack } }).length > 0;
  return cluster.cachedList(podKind, { labels: { 'app.kubernetes.io/component': AUTH } }).flatMap((pod) => {
    const { metadata, status } = pod;
    const stacks = stackOf(pod).filter(hasConsumers);
    if (status?.podIP === undefined || !isReady(pod)) return [];
    return stacks.map((stack) => ({ stack: refOf(stack), name: metadata.name, ip: status.podIP ?? '' }));
  });
}

function stackKeysOf(consumer: AuthConsumer): readonly string[] {
  const ref = stackRefOf(consumer);
  return [ref ? keyOf(ref) : NO_STACK];
}

function secretKeysOf(consumer: AuthConsumer): readonly string[] {
  const ref = secretRefOf(consumer);
  return ref ? [keyOf(ref)] : [];
}

function serviceAccountKeysOf(consumer: AuthConsumer): readonly string[] {
  const ref = serviceAccountRefOf(consumer);
  return ref ? [keyOf(ref)] : [];
}

function consumersWithIdentity({ cluster }: Manager): readonly AuthConsumer[] {
  return cluster.cachedList(authConsumerKind).filter((consumer) => serviceAccountRefOf(consumer) !== undefined);
}

/** The stack that it names. */
function stacksOf(consumer: AuthConsumer | undefined): readonly string[] {
  const ref = consumer && stackRefOf(consumer);
  return ref ? [keyOf(ref)] : [];
}

/** It is in a consumer's namespace, and there are as many of them as there are consumers. */
function isCopy({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.[CONSUMER_LABEL] !== undefined;
}

function isAuthPod({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.['app.kubernetes.io/component'] === AUTH;
}

/** The stack that an object was made for. */
function stackOf({ metadata }: KubernetesObject): readonly string[] {
  const name = metadata.labels?.[STACK_LABEL];
  const namespace = metadata.labels?.[STACK_NAMESPACE_LABEL] ?? metadata.namespace ?? '';
  return name === undefined ? [] : [keyOf({ namespace, name })];
}
