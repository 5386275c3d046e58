import { authConsumerKind, authConsumerSchemaError, serviceAccountRefOf } from '../../api/auth-consumer.ts';
import type { AuthConsumer } from '../../api/auth-consumer.ts';
import type { AuthStack } from '../../api/auth-stack.ts';
import { durationMillis } from '../../api/duration.ts';
import { CONSUMERS_BY_STACK, namesOf, namespaceOf } from '../../api/names.ts';
import type { AuthPodClients } from '../../auth-pods/clients-client.ts';
import type { AuthPod } from '../../auth-pods/observe.ts';
import type { AuthPodProber } from '../../auth-pods/prober.ts';
import type { Cluster } from '../../runtime/cluster.ts';
import { namespaceKind, secretKind, serviceAccountKind } from '../../runtime/core-kinds.ts';
import type { Secret } from '../../runtime/core-kinds.ts';
import { keyOf } from '../../runtime/objects.ts';
import type { Pass } from '../../runtime/reconciler.ts';
import type { ServiceAccountIssuer } from '../../runtime/service-account-issuer.ts';
import { clientKey, clientSecret, secretHash } from '../../stored/client-key.ts';
import type { ClientKey } from '../../stored/client-key.ts';
import { readClients } from '../../stored/clients.ts';
import type { Generations } from '../../stored/clients.ts';
import { audienceOf, clientIdOf, clientSecretIn, consumerOfCopy, copyLabels } from '../../stored/consumer-copy.ts';
import { readStored } from '../../stored/secret.ts';
import type { Seen } from '../../stored/secret.ts';
import { allowsNamespace } from '../consent.ts';
import { generationsAt } from './generations.ts';
import { mayBeBehind } from './pods.ts';
import type { ClientHolder, ClientsObservation, ClientsPolicy, ConsentingClient, SecretHash } from './types.ts';

export interface ClientsPorts {
  readonly cluster: Cluster;
  readonly serviceAccountIssuer: Pick<ServiceAccountIssuer, 'current'>;
  readonly authPods: readonly AuthPod[];
  readonly authPodProber: Pick<AuthPodProber, 'reachabilityOf'>;
  readonly authPodClients: AuthPodClients;
}

export async function observeClients(
  stack: AuthStack,
  { cluster, serviceAccountIssuer, ...podsPorts }: ClientsPorts,
  pass: Pass,
): Promise<ClientsObservation> {
  const names = namesOf(stack.metadata.name);
  const consumers = consentingOf(stack, cluster);
  const find = (name: string): Promise<Secret | undefined> =>
    cluster.find(secretKind, { namespace: namespaceOf(stack), name }, pass);
  // Looked for with a request only where one would be made: an idle stack asks nothing.
  const isKeyNeeded = consumers.some((consumer) => !serviceAccountRefOf(consumer));
  const cachedKey = cluster.cached(secretKind, { namespace: namespaceOf(stack), name: names.clientKey });
  const [clientsSecret, keySecret] = await Promise.all([
    find(names.clients),
    isKeyNeeded ? find(names.clientKey) : cachedKey,
  ]);
  const stored = readClients(stack, clientsSecret);
  const key = readStored(clientKey, stack, keySecret);
  const { now } = pass;
  const policy = policyOf(stack);
  const generations = generationsAt(stored.state === 'value' ? stored.value.generations : undefined, {
    ...{ now, policy },
    keyMadeAt: key.state === 'value' ? key.createdAt : now,
    rotates: !stack.spec.suspend && key.state === 'value' && isKeyNeeded,
  });
  const clientOf = clientIn(stack, { cluster, generations, key });
  const showsTokens = consumers.some((one) => serviceAccountRefOf(one));
  return {
    ...{ stack, now, policy, stored, generations },
    clientKey: withoutKey(key),
    consenting: consumers.map((consumer) => clientOf(consumer)),
    unseenNamespaces: unseenNamespaces(stack, cluster),
    cluster: showsTokens ? await serviceAccountIssuer.current(pass) : 'notAsked',
    pods: await observePods(stack, { stored, policy, ...podsPorts }, pass),
  };
}

interface PodsPorts extends Pick<ClientsPorts, 'authPods' | 'authPodProber' | 'authPodClients'> {
  readonly stored: ClientsObservation['stored'];
  readonly policy: ClientsPolicy;
}

/** Asked while their mounts may show an older document, and of what they know where it was lost. */
async function observePods(
  stack: AuthStack,
  { stored, policy, authPods, authPodProber, authPodClients }: PodsPorts,
  pass: Pass,
): Promise<readonly ClientHolder[]> {
  const ref = { namespace: namespaceOf(stack), name: stack.metadata.name };
  const isAsked = (authPod: AuthPod): boolean => {
    const reachability = authPodProber.reachabilityOf(authPod.pod.metadata);
    return (
      stored.state !== 'foreign' && mayBeBehind({ ...startOf(authPod), reachability }, { ...pass, stored, policy })
    );
  };
  const versionOf = async (authPod: AuthPod): Promise<ClientHolder['version']> => {
    const { metadata, status } = authPod.pod;
    if (!isAsked(authPod)) return 'notAsked';
    if (status?.podIP === undefined) return 'unknown';
    return authPodClients.version({ stack: ref, name: metadata.name, ip: status.podIP }, pass);
  };
  return Promise.all(
    authPods
      .filter(({ mayHoldKeys, servesClients }) => mayHoldKeys && servesClients)
      .map(async (authPod) => ({
        name: authPod.pod.metadata.name,
        ip: authPod.pod.status?.podIP,
        isTerminating: authPod.isTerminating,
        ...startOf(authPod),
        version: await versionOf(authPod),
      })),
  );
}

function startOf({ runningSince }: AuthPod): Pick<ClientHolder, 'startedAt'> {
  return { startedAt: runningSince.length > 0 ? Math.max(...runningSince) : undefined };
}

/** Those of whom both sides' consent is known. */
function consentingOf(stack: AuthStack, cluster: Cluster): readonly AuthConsumer[] {
  const labelsOf = new Map<string, Readonly<Record<string, string>> | undefined>();
  const isAllowed = (namespace: string): boolean => {
    if (!labelsOf.has(namespace)) labelsOf.set(namespace, labelsOfNamespace(namespace, cluster));
    const labels = labelsOf.get(namespace);
    return labels !== undefined && allowsNamespace(stack, { namespace, labels });
  };
  return cluster
    .cachedList(authConsumerKind, { index: { name: CONSUMERS_BY_STACK, value: keyOf(stack.metadata) } })
    .filter(
      (consumer) =>
        consumer.metadata.deletionTimestamp === undefined &&
        authConsumerSchemaError(consumer) === undefined &&
        isAllowed(namespaceOf(consumer)) &&
        stack.spec.auth.audience.includes(audienceOf(consumer, stack)),
    );
}

function labelsOfNamespace(name: string, cluster: Cluster): Readonly<Record<string, string>> | undefined {
  const namespace = cluster.cached(namespaceKind, { name });
  return namespace && (namespace.metadata.labels ?? {});
}

/** Where neither AuthConsumers nor labels can be read: a fault of ours is no consent withdrawn. */
function unseenNamespaces(stack: AuthStack, cluster: Cluster): readonly string[] {
  const { from } = stack.spec.consumers.allowedNamespaces;
  return from === 'Same' ? [] : cluster.refusedNamespaces();
}

interface ClientSource {
  readonly cluster: Cluster;
  readonly generations: Generations;
  readonly key: Seen<ClientKey>;
}

/** Also of a copy that lost its AuthConsumer: it is adopted, and pods have it mounted. */
function clientIn(
  stack: AuthStack,
  { cluster, generations: { current, next }, key }: ClientSource,
): (consumer: AuthConsumer) => ConsentingClient {
  const copies = Map.groupBy(cluster.cachedList(secretKind, { labels: copyLabels(stack) }), consumerOfCopy);
  return (consumer) => {
    const id = clientIdOf(consumer);
    const hashOf = (generation: number): readonly SecretHash[] =>
      key.state === 'value'
        ? [secretHash(clientSecret(key.value, { id, uid: consumer.metadata.uid ?? '' }, generation))]
        : [];
    const hashes = [...hashOf(current), ...hashOf(next)];
    const account = serviceAccountRefOf(consumer);
    return {
      id,
      audience: audienceOf(consumer, stack),
      credential: account
        ? { type: 'serviceAccount', namespace: '', ...account, ...uidOf(account, cluster) }
        : { type: 'secret', ...(hashes.length > 0 && { hashes }) },
      held: new Set((copies.get(id) ?? []).flatMap(heldIn)),
    };
  };
}

function uidOf(account: { readonly namespace?: string; readonly name: string }, cluster: Cluster): { uid?: string } {
  const { uid, deletionTimestamp } = cluster.cached(serviceAccountKind, account)?.metadata ?? {};
  return uid === undefined || deletionTimestamp !== undefined ? {} : { uid };
}

/** A cached Secret never changes, so each is hashed once. */
const hashOfCopy = new WeakMap<Secret, readonly SecretHash[]>();

function heldIn(copy: Secret): readonly SecretHash[] {
  const known = hashOfCopy.get(copy);
  if (known) return known;
  const secret = clientSecretIn(copy);
  const held = secret === undefined ? [] : [secretHash(secret)];
  hashOfCopy.set(copy, held);
  return held;
}

function withoutKey(key: Seen<ClientKey>): ClientsObservation['clientKey'] {
  return key.state === 'value' ? { ...key, value: { madeAt: key.createdAt } } : key;
}

function policyOf({ spec }: AuthStack): ClientsPolicy {
  const { rotationInterval, propagation } = spec.signingKeys;
  return {
    rotationInterval: durationMillis(rotationInterval),
    volumeRefresh: durationMillis(propagation.volumeRefresh),
    clockSkew: durationMillis(propagation.clockSkew),
  };
}
