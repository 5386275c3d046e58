import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { deploymentKind, persistentVolumeClaimKind, secretKind } from '../runtime/core-kinds.ts';
import type { KubernetesObject, ObjectRef } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { databaseUriIn, databaseUriOf } from '../stored/database-uri.ts';
import { readIdentity } from '../stored/identity.ts';
import type { DatabaseClient } from './database-client.ts';
import type { EarlierStart } from './types.ts';

/*
 * A pepper is made once: every password hash needs it, so a second one would make all of them useless. Where the Secret is
 * absent, whatever shows that the stack has started before means that it was lost:
 *
 *   status.mongodb.replicaSetId · identity Secret, initiated · Deployment · first volume ──► evident ──► SecretLost
 *     │ none of them
 *     ├── own database ─────────────────────────────────────────────────────────────────► none ────► a pepper is made
 *     └── external database: it outlives the stack, so only it can tell
 *           ├── the marker of the first user, or a user ───────────────────────────────► evident ──► SecretLost
 *           ├── empty ─────────────────────────────────────────────────────────────────► none ────► a pepper is made
 *           └── cannot be read ────────────────────────────────────────────────────────► unknown ──► DatabaseNotRead
 */
export interface EarlierStartPorts {
  readonly cluster: Cluster;
  readonly databaseClient: DatabaseClient;
}

export async function observeEarlierStart(
  stack: AuthStack,
  { cluster, databaseClient }: EarlierStartPorts,
  pass: Pass,
): Promise<EarlierStart> {
  const evidence = await evidenceOfEarlierStart(stack, cluster, pass);
  if (evidence !== undefined) return { state: 'evident', evidence };
  if (!stack.spec.mongodb.external) return { state: 'none' };
  const ref = { namespace: namespaceOf(stack), name: databaseUriOf(stack).secretName };
  const uri = databaseUriIn(stack, await cluster.read(secretKind, ref, pass));
  if (uri === undefined) return { state: 'unknown', problem: 'there is no connection string' };
  const users = await databaseClient.usersIn(uri, pass);
  return users.state === 'some' ? { state: 'evident', evidence: users.evidence } : users;
}

/** Read live: a cached object that is behind would let a second pepper be made. */
async function evidenceOfEarlierStart(stack: AuthStack, cluster: Cluster, pass: Pass): Promise<string | undefined> {
  const names = namesOf(stack.metadata.name);
  const ref = (name: string): ObjectRef => ({ namespace: namespaceOf(stack), name });
  if (stack.status?.mongodb?.replicaSetId !== undefined) return 'its status records a replica set';
  const identity = readIdentity(stack, await cluster.read(secretKind, ref(names.identity), pass));
  if (identity.state === 'initiated') return `Secret ${names.identity} records an initiated replica set`;
  // Whoever cannot read it cannot rule out that it records one.
  if (identity.state === 'foreign' || identity.state === 'malformed') return `Secret ${names.identity} exists`;
  const deployment = await cluster.read(deploymentKind, ref(names.auth), pass);
  if (stays(deployment)) return `Deployment ${names.auth} exists`;
  if (identity.state === 'initiating') return undefined;
  const volume = ref(`data-${names.mongodb}-0`);
  const claim = await cluster.read(persistentVolumeClaimKind, volume, pass);
  return stays(claim) ? `PersistentVolumeClaim ${volume.name} exists` : undefined;
}

/** What is Terminating is of an earlier life of the stack. */
function stays(object: KubernetesObject | undefined): boolean {
  return object !== undefined && object.metadata.deletionTimestamp === undefined;
}
