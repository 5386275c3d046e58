import { authConsumerKind, serviceAccountRefOf } from '../api/auth-consumer.ts';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { Acknowledgements } from '../auth-pods/acknowledgements.ts';
import { authStackKind } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { CONSUMER_LABEL, namesOf, namespaceOf } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { namespaceKind, secretKind, serviceAccountKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { keyOf, refOf } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { ServiceAccountIssuer } from '../runtime/service-account-issuer.ts';
import { authorityCertificateIn } from '../stored/ca.ts';
import { clientKey, clientSecret, secretHash } from '../stored/client-key.ts';
import { readClients } from '../stored/clients.ts';
import { clientIdOf, consumerOfCopy } from '../stored/consumer-copy.ts';
import { publishedKeys } from '../stored/jwks.ts';
import { readStored } from '../stored/secret.ts';
import type { TerminatingObservation } from './terminating.ts';
import type { ConsumerObservation, SeenCopy, SeenCredential } from './types.ts';

export interface ConsumerPorts {
  readonly cluster: Cluster;
  readonly serviceAccountIssuer: Pick<ServiceAccountIssuer, 'current'>;
  readonly acknowledgements: Acknowledgements;
}

export async function observeConsumer(
  consumer: AuthConsumer,
  { cluster, serviceAccountIssuer, acknowledgements }: ConsumerPorts,
  pass: Pass,
): Promise<ConsumerObservation> {
  const { stackRef, secretName } = consumer.spec;
  const found = cluster.cached(authStackKind, stackRef);
  const stack = found?.metadata.deletionTimestamp === undefined ? found : undefined;
  const namespace = cluster.cached(namespaceKind, { name: namespaceOf(consumer) });
  return {
    consumer,
    now: pass.now,
    ...(stack && { stack }),
    stackNamespace: cluster.watches(stackRef.namespace),
    ...(namespace && { namespaceLabels: namespace.metadata.labels ?? {} }),
    copy: await observeCopy(consumer, cluster, pass),
    formerCopies: ownedCopies(consumer, cluster).filter(({ metadata }) => metadata.name !== secretName),
    ...(stack && sourceOf(stack, cluster)),
    credential: await observeCredential(consumer, { cluster, serviceAccountIssuer, ...(stack && { stack }) }, pass),
    verifiers: acknowledgements.verifiersOf(keyOf(consumer.metadata)),
  };
}

async function observeCredential(
  consumer: AuthConsumer,
  { cluster, serviceAccountIssuer, stack }: Omit<ConsumerPorts, 'acknowledgements'> & { readonly stack?: AuthStack },
  pass: Pass,
): Promise<SeenCredential> {
  const account = serviceAccountRefOf(consumer);
  if (!account) return { type: 'secret', ...(stack && recordedSecret(consumer, stack, cluster)) };
  const found = cluster.cached(serviceAccountKind, account);
  return {
    type: 'serviceAccount',
    name: account.name,
    exists: found !== undefined && found.metadata.deletionTimestamp === undefined,
    issuer: await serviceAccountIssuer.current(pass),
  };
}

/** The client secret of the generation in use, once the auth pods can know it. */
function recordedSecret(consumer: AuthConsumer, stack: AuthStack, cluster: Cluster): { readonly secret?: string } {
  const stored = (name: string): Secret | undefined =>
    cluster.cached(secretKind, { namespace: namespaceOf(stack), name });
  const names = namesOf(stack.metadata.name);
  const clients = readClients(stack, stored(names.clients));
  const key = readStored(clientKey, stack, stored(names.clientKey));
  if (clients.state !== 'value' || key.state !== 'value' || !clients.value.generations) return {};
  const id = clientIdOf(consumer);
  const { uid = '' } = consumer.metadata;
  const secret = clientSecret(key.value, { id, uid }, clients.value.generations.current);
  const { secrets = [] } = clients.value.document?.clients.find((client) => client.id === id) ?? {};
  const hash = secretHash(secret);
  return secrets.some(({ sha256, notAfter }) => sha256 === hash && notAfter === undefined) ? { secret } : {};
}

async function observeCopy(consumer: AuthConsumer, cluster: Cluster, pass: Pass): Promise<SeenCopy> {
  const ref = { namespace: namespaceOf(consumer), name: consumer.spec.secretName };
  // The watch sees only what carries our label; somebody else's Secret must be seen before one is written.
  const secret = await cluster.find(secretKind, ref, pass);
  if (!secret) return { state: 'absent' };
  if (isOwnedBy(secret, consumer)) return { state: 'ours', secret };
  const maker = consumerOfCopy(secret);
  if (maker === undefined) return { state: 'foreign' };
  const isOthers = maker !== keyOf(consumer.metadata) && cluster.cached(authConsumerKind, refOf(maker)) !== undefined;
  return isOthers ? { state: 'ofAnother', consumer: refOf(maker).name } : { state: 'orphaned', secret };
}

/** Needs nothing of the spec, which may be invalid. */
export function observeTerminating(
  consumer: AuthConsumer,
  { cluster }: Pick<ConsumerPorts, 'cluster'>,
  { now }: Pass,
): TerminatingObservation {
  return { consumer, now, copies: ownedCopies(consumer, cluster) };
}

function ownedCopies(consumer: AuthConsumer, cluster: Cluster): readonly Secret[] {
  const labels = { [CONSUMER_LABEL]: consumer.metadata.name };
  return cluster
    .cachedList(secretKind, { namespace: namespaceOf(consumer), labels })
    .filter((secret) => isOwnedBy(secret, consumer));
}

/** By uid: an AuthConsumer that was deleted and created again does not own the copy of its namesake. */
function isOwnedBy({ metadata }: Secret, consumer: AuthConsumer): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === consumer.metadata.uid) ?? false;
}

function sourceOf(stack: AuthStack, cluster: Cluster): Pick<ConsumerObservation, 'keys' | 'revoked' | 'authority'> {
  const secret = (name: string): Secret | undefined =>
    cluster.cached(secretKind, { namespace: namespaceOf(stack), name });
  const { jwks, ca } = namesOf(stack.metadata.name);
  const published = readStored(publishedKeys, stack, secret(jwks));
  const authority = authorityCertificateIn(secret(ca));
  return {
    ...(published.state === 'value' && { revoked: published.value.revoked ?? [] }),
    ...(published.state === 'value' && published.value.keys.length > 0 && { keys: published.value.keys }),
    ...(authority !== undefined && { authority }),
  };
}
