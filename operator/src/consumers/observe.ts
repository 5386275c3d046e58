import type { AuthConsumer } from '../api/auth-consumer.ts';
import { authStackKind } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { CONSUMER_LABEL, namesOf, namespaceOf } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { namespaceKind, secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { ConsumerObservation, SeenCopy } from './types.ts';

export interface ConsumerPorts {
  readonly cluster: Cluster;
}

export async function observeConsumer(
  consumer: AuthConsumer,
  { cluster }: ConsumerPorts,
  pass: Pass,
): Promise<ConsumerObservation> {
  const found = cluster.cached(authStackKind, consumer.spec.stackRef);
  const stack = found?.metadata.deletionTimestamp === undefined ? found : undefined;
  const namespace = cluster.cached(namespaceKind, { name: namespaceOf(consumer) });
  const jwks = stack && textIn(cluster, { stack, name: 'jwks', key: 'jwks.json' });
  const authority = stack && textIn(cluster, { stack, name: 'ca', key: 'tls.crt' });
  const copy = await observeCopy(consumer, cluster, pass);
  return {
    consumer,
    now: pass.now,
    ...(stack && { stack }),
    ...(namespace && { namespaceLabels: namespace.metadata.labels ?? {} }),
    copy,
    formerCopies: copiesOf(consumer, cluster).filter(({ metadata }) => metadata.name !== consumer.spec.secretName),
    ...(jwks !== undefined && { jwks }),
    ...(authority !== undefined && { authority }),
  };
}

async function observeCopy(consumer: AuthConsumer, cluster: Cluster, pass: Pass): Promise<SeenCopy> {
  const ref = { namespace: namespaceOf(consumer), name: consumer.spec.secretName };
  // The watch sees only what carries our label; somebody else's Secret must be seen before one is written.
  const secret = await cluster.find(secretKind, ref, pass);
  if (!secret) return { state: 'absent' };
  if (isOwnedBy(secret, consumer)) return { state: 'ours', secret };
  const other = secret.metadata.labels?.[CONSUMER_LABEL];
  return other === undefined || other === consumer.metadata.name
    ? { state: 'foreign' }
    : { state: 'ofAnother', consumer: other };
}

function copiesOf(consumer: AuthConsumer, cluster: Cluster): readonly Secret[] {
  const labels = { [CONSUMER_LABEL]: consumer.metadata.name };
  return cluster
    .cachedList(secretKind, { namespace: namespaceOf(consumer), labels })
    .filter((secret) => isOwnedBy(secret, consumer));
}

/** By uid: an AuthConsumer that was deleted and made again does not own the copy of its namesake. */
function isOwnedBy({ metadata }: Secret, consumer: AuthConsumer): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === consumer.metadata.uid) ?? false;
}

function textIn(
  cluster: Cluster,
  { stack, name, key }: { readonly stack: AuthStack; readonly name: 'jwks' | 'ca'; readonly key: string },
): string | undefined {
  const ref = { namespace: namespaceOf(stack), name: namesOf(stack.metadata.name)[name] };
  const value = cluster.cached(secretKind, ref)?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}
