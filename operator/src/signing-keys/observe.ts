import { NO_STACK, authConsumerKind, stackRefOf } from '../api/auth-consumer.ts';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { durationMillis } from '../api/duration.ts';
import { CONSUMERS_BY_STACK, namesOf, namespaceOf } from '../api/names.ts';
import type { AuthPodKeys } from '../auth-pods/keys-client.ts';
import type { AuthPod } from '../auth-pods/observe.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { keyOf } from '../runtime/objects.ts';
import type { KubernetesObject, Millis } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { ClockOffset } from '../runtime/server-clock.ts';
import { consumerOfCopy, copyLabels, kidsInCopy } from '../stored/consumer-copy.ts';
import { publishedKeys } from '../stored/jwks.ts';
import { readKeyRing } from '../stored/key-ring.ts';
import { readStored, textsIn } from '../stored/secret.ts';
import { importKey } from './imported-key.ts';
import { dependsOnPods, isPromotionNear } from './pods.ts';
import { ringOf } from './ring.ts';
import type { Copy, KeyHolder, KeyPolicy, KeysObservation, SeenImport } from './types.ts';
import { isFounding } from './without-ring.ts';
import { withWrappingKeys } from './wrapping-keys.ts';
import type { WrappingKeysPorts } from './wrapping-keys.ts';

export interface KeysPorts extends WrappingKeysPorts {
  readonly cluster: Cluster;
  readonly authPods: readonly AuthPod[];
  readonly authPodKeys: AuthPodKeys;
  readonly clockOffset: () => ClockOffset | undefined;
}

export async function observeSigningKeys(
  stack: AuthStack,
  { cluster, wrappingKeys, authPods, authPodKeys, clockOffset }: KeysPorts,
  pass: Pass,
): Promise<KeysObservation> {
  const names = namesOf(stack.metadata.name);
  // A ring that the watch does not show must be seen to be gone before another is made.
  const find = (name: string): Promise<Secret | undefined> =>
    cluster.find(secretKind, { namespace: namespaceOf(stack), name }, pass);
  const holders = authPods.filter(({ mayHoldKeys }) => mayHoldKeys);
  const [ring, jwks] = await Promise.all([find(names.signingKeys), find(names.jwks)]);
  const known: KeysObservation = {
    stack,
    now: pass.now,
    clockOffset: clockOffset(),
    policy: policyOf(stack, authPods),
    ring: readKeyRing(stack, ring),
    jwks: readStored(publishedKeys, stack, jwks),
    imported: { state: 'notAsked' },
    wrappingKeys: { wanted: { state: 'none' }, ids: [] },
    copies: copiesOf(stack, cluster),
    unseenNamespaces: stack.spec.consumers.allowedNamespaces.from === 'Same' ? [] : cluster.refusedNamespaces(),
    pods: holders.map((pod) => holderOf(pod, { report: 'notAsked', verifiers: 'notAsked' })),
    authServiceRunsSince: authPods.flatMap(({ runningSince }) => runningSince),
  };
  const seen = await withWrappingKeys(known, { cluster, wrappingKeys, secret: ring }, pass);
  if (isFounding(seen)) return { ...seen, imported: await observeImport(stack, cluster, pass) };
  const keys = ringOf(seen);
  if (!keys || !dependsOnPods(keys)) return seen;
  const ref = { namespace: namespaceOf(stack), name: stack.metadata.name };
  const asksForVerifiers = isPromotionNear(keys);
  const asked = async ({ pod: { metadata, status } }: AuthPod): Promise<Told> => {
    if (status?.podIP === undefined) return { report: 'unknown', verifiers: asksForVerifiers ? 'unknown' : 'notAsked' };
    const address = { stack: ref, name: metadata.name, ip: status.podIP };
    const [report, verifiers] = await Promise.all([
      authPodKeys.keys(address, pass),
      asksForVerifiers ? authPodKeys.verifiers(address, pass) : ('notAsked' as const),
    ]);
    return { report, verifiers };
  };
  return { ...seen, pods: await Promise.all(holders.map(async (pod) => holderOf(pod, await asked(pod)))) };
}

/** The Secret is a person's own, and is not watched. */
async function observeImport(stack: AuthStack, cluster: Cluster, pass: Pass): Promise<SeenImport> {
  const { importFrom } = stack.spec.signingKeys;
  if (!importFrom) return { state: 'notAsked' };
  const { name, key } = importFrom.secretRef;
  const secret = await cluster.read(secretKind, { namespace: namespaceOf(stack), name }, pass);
  const text = secret && textsIn(secret)[key];
  if (text === undefined || text.trim() === '') {
    return secret ? { state: 'refused', why: 'is missing or empty' } : { state: 'missing' };
  }
  const read = importKey(text, { kid: importFrom.kid, publishedAt: pass.now });
  return 'why' in read ? { state: 'refused', why: read.why } : { state: 'usable', kid: read.key.kid };
}

type Told = Pick<KeyHolder, 'report' | 'verifiers'>;

function holderOf({ pod, isTerminating, runningSince }: AuthPod, told: Told): KeyHolder {
  const startedAt = runningSince.length > 0 ? Math.max(...runningSince) : undefined;
  return { name: pod.metadata.name, ip: pod.status?.podIP, isTerminating, startedAt, ...told };
}

function policyOf({ spec }: AuthStack, pods: readonly AuthPod[]): KeyPolicy {
  const { algorithm, rotationInterval, propagation, maxWait } = spec.signingKeys;
  // While pods of an earlier template run, what they were started with is in force as well.
  const inForce = (duration: string, setting: keyof AuthPod['settings']): Millis =>
    Math.max(durationMillis(duration), ...pods.map(({ settings }) => settings[setting]));
  return {
    algorithm,
    rotationInterval: durationMillis(rotationInterval),
    volumeRefresh: durationMillis(propagation.volumeRefresh),
    clockSkew: durationMillis(propagation.clockSkew),
    maxWait: durationMillis(maxWait),
    jwksMaxAge: inForce(propagation.jwksMaxAge, 'jwksMaxAge'),
    accessTokenTtl: inForce(spec.auth.accessTokenTTL, 'accessTokenTtl'),
  };
}

/** Copies of the AuthConsumers that name this stack; an accepted one that has no copy holds no key. */
function copiesOf(stack: AuthStack, cluster: Cluster): readonly Copy[] {
  const labels = copyLabels(stack);
  // The copy of an AuthConsumer that is gone or Terminating is nobody's any more; it must not hold rotation back.
  const held = Map.groupBy(cluster.cachedList(secretKind, { labels }), consumerOfCopy);
  const naming = (value: string): readonly AuthConsumer[] =>
    cluster
      .cachedList(authConsumerKind, { index: { name: CONSUMERS_BY_STACK, value } })
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  // One with an invalid spec may be of any stack; what its copies hold of this one counts.
  return [...naming(keyOf(stack.metadata)), ...naming(NO_STACK)].flatMap((consumer): readonly Copy[] => {
    const name = keyOf(consumer.metadata);
    const secrets = held.get(name) ?? [];
    const known = {
      consumer: name,
      consumerSince: createdAt(consumer),
      revoked: new Map(consumer.status?.revokedKeys?.map(({ kid, state }) => [kid, state])),
    };
    if (secrets.length === 0) {
      return stackRefOf(consumer) && isAccepted(consumer) ? [{ ...known, kids: new Set(), createdAt: 0 }] : [];
    }
    return secrets.map((secret) => ({ ...known, kids: kidsInCopy(secret), createdAt: createdAt(secret) }));
  });
}

function createdAt({ metadata: { creationTimestamp } }: KubernetesObject): Millis {
  return creationTimestamp === undefined ? 0 : Date.parse(creationTimestamp);
}

function isAccepted({ status }: AuthConsumer): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Accepted' && condition.status === 'True') ?? false;
}
