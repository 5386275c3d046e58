import { createHash } from 'node:crypto';
import type { AgentReports } from '../agents/observe.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf, namespaceOf, selectorOf } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import {
  nodeKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podDisruptionBudgetKind,
  podKind,
  secretKind,
  statefulSetKind,
  storageClassKind,
} from '../runtime/core-kinds.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Secret, StatefulSet } from '../runtime/core-kinds.ts';
import type { Kind, KubernetesObject } from '../runtime/objects.ts';
import type { PerObject } from '../runtime/per-object.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { authUserSecret, canHaveUsers, rootUserSecret } from '../stored/database-users.ts';
import type { Credentials } from '../stored/database-users.ts';
import { readIdentity } from '../stored/identity.ts';
import type { SeenIdentity } from '../stored/identity.ts';
import { keyfileSecret } from '../stored/keyfile.ts';
import { belongsTo, readStored } from '../stored/secret.ts';
import type { Seen } from '../stored/secret.ts';
import type { FailedCreates } from '../workloads/pods-not-created.ts';
import { claimName, connectionUri, hostsOf, memberHost, memberName, ordinalsOf } from './members/addresses.ts';
import { lastPrimaryOf, newestPrimary, stateOfPrimary } from './members/last-primary.ts';
import type { RememberedPrimary } from './members/last-primary.ts';
import { addressOf, stackRef } from './members/member.ts';
import type { Member, MongodbImages, MongodbObservation, SeenSecret, SeenUser } from './members/observation.ts';
import { lacksPods } from './objects/stateful-set.ts';

export interface MongodbPorts {
  readonly cluster: Cluster;
  readonly images: MongodbImages;
  readonly failedCreates: FailedCreates;
  /** What is in no namespace (StorageClasses, volumes, Nodes): an operator of listed namespaces has no right to it. */
  readonly seesCluster: boolean;
  readonly primaries: PerObject<RememberedPrimary>;
}

/** What the stack observed for all features. */
export interface ObservedMembers {
  readonly pods: readonly Pod[];
  readonly reports: AgentReports;
}

interface Members {
  readonly cluster: Cluster;
  readonly members: readonly Member[];
}

export async function observeMongodb(
  stack: AuthStack,
  { pods, reports, ...ports }: MongodbPorts & ObservedMembers,
  pass: Pass,
): Promise<MongodbObservation> {
  const { cluster, images, failedCreates, seesCluster, primaries } = ports;
  const names = namesOf(stack.metadata.name);
  const namespace = namespaceOf(stack);
  const statefulSet = cluster.cached(statefulSetKind, { namespace, name: names.mongodb });
  const budget = cluster.cached(podDisruptionBudgetKind, { namespace, name: names.mongodb });
  const members = await Promise.all(
    membersOf(stack, { cluster, pods, reports }).map(async (member): Promise<Member> => ({
      ...member,
      ...(seesCluster && !addressOf(member) && (await observeNode(member, { cluster, pass }))),
    })),
  );
  return {
    stack,
    now: pass.now,
    images,
    ...(await observeSecrets(stack, { cluster, members }, pass)),
    hasAgentCertificate: cluster.cached(secretKind, { namespace, name: names.agentTls }) !== undefined,
    ...(statefulSet && {
      statefulSet,
      ...(await observeCreation(stack, { failedCreates, members, statefulSet }, pass)),
    }),
    ...(budget && { budget }),
    members,
    ...(await observeLastPrimary(stack, { cluster, members, primaries }, pass)),
    unlabelled: await findUnlabelled(stack, { cluster, members, statefulSet }, pass),
    storageClass: seesCluster ? observeStorageClass(stack, { cluster, members }) : 'notLooked',
    volumesCanGrow: seesCluster ? observeExpansion({ cluster, members }) : 'notLooked',
  };
}

/**
 * Whoever was primary, and whether its mongod is known to have ended. The cache may be minutes old, so that a Pod object is
 * gone is asked of the API server; where that does not answer nothing is known.
 */
async function observeLastPrimary(
  stack: AuthStack,
  { cluster, members, primaries }: Members & Pick<MongodbPorts, 'primaries'>,
  pass: Pass,
): Promise<Pick<MongodbObservation, 'lastPrimary'>> {
  const ref = stackRef(stack);
  const newest = stack.spec.mongodb.assistedElections ? newestPrimary(members, primaries.get(ref)) : undefined;
  if (!newest) {
    primaries.delete(ref);
    return {};
  }
  primaries.set(ref, newest);
  const state = stateOfPrimary(newest, members);
  if (state !== 'unknown') return { lastPrimary: lastPrimaryOf(newest, state === 'ended' ? 'mongod' : undefined) };
  const isGone = await cluster.read(podKind, { ...ref, name: newest.name }, pass).then(
    (pod) => pod?.metadata.uid !== newest.podUid,
    () => false,
  );
  return { lastPrimary: lastPrimaryOf(newest, isGone ? 'pod' : undefined) };
}

async function observeSecrets(
  stack: AuthStack,
  { cluster, members }: Members,
  pass: Pass,
): Promise<Pick<MongodbObservation, 'identity' | 'keyfile' | 'rootUser' | 'authUser'>> {
  const namespace = namespaceOf(stack);
  const names = namesOf(stack.metadata.name);
  const identity = await observeIdentity(stack, { cluster, members }, pass);
  // The watch sees only what carries our label; a Secret without it must be seen before one is made.
  const find = (name: string): Promise<Secret | undefined> => cluster.find(secretKind, { namespace, name }, pass);
  const findUser = (name: string): Promise<Secret | undefined> =>
    canHaveUsers(identity) ? find(name) : Promise.resolve(cluster.cached(secretKind, { namespace, name }));
  const [keyfile, rootUser, authUser] = await Promise.all([
    find(names.keyfile),
    findUser(names.rootUser),
    findUser(names.authUser),
  ]);
  return {
    identity,
    keyfile: seenSecret(readStored(keyfileSecret, stack, keyfile)),
    rootUser: seenUser(readStored(rootUserSecret, stack, rootUser), () => true),
    authUser: seenUser(
      readStored(authUserSecret, stack, authUser),
      (user) => user.uri === connectionUri(hostsOf(stack), user),
    ),
  };
}

/**
 * Live as long as it may decide that a replica set is initiated. The watch is enough for one that is formed, and while
 * there is no agent that could be asked to initiate it.
 */
async function observeIdentity(stack: AuthStack, { cluster, members }: Members, pass: Pass): Promise<SeenIdentity> {
  const ref = { namespace: namespaceOf(stack), name: namesOf(stack.metadata.name).identity };
  const cached = readIdentity(stack, cluster.cached(secretKind, ref));
  if (cached.state === 'initiated' && cached.formed > 0) return cached;
  if (cached.state === 'initiating' && members.every(({ agent }) => agent === 'unknown')) return cached;
  return readIdentity(stack, await cluster.read(secretKind, ref, pass));
}

/** What is secret stays here. */
function seenSecret(seen: Seen<unknown>): SeenSecret {
  return seen.state === 'value' ? { state: 'present' } : seen;
}

function seenUser<User extends Credentials>(seen: Seen<User>, isCurrent: (user: User) => boolean): SeenUser {
  if (seen.state !== 'value') return seen;
  const { username, password } = seen.value;
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([username, password]))
    .digest('hex')
    .slice(0, 16);
  return { state: 'present', fingerprint, isCurrent: isCurrent(seen.value) };
}

/** Those of the spec, and any further ones that have a claim. */
function membersOf(
  stack: AuthStack,
  { cluster, pods, reports }: ObservedMembers & Pick<MongodbPorts, 'cluster'>,
): readonly Member[] {
  const namespace = namespaceOf(stack);
  const selector = { namespace, labels: selectorOf(stack, 'mongodb') };
  const ordinals = new Set(ordinalsOf(stack));
  for (const { metadata } of cluster.cachedList(persistentVolumeClaimKind, selector)) {
    const ordinal = Number(metadata.name.slice(claimName(stack, 0).length - 1));
    if (Number.isInteger(ordinal) && metadata.name === claimName(stack, ordinal)) ordinals.add(ordinal);
  }
  return [...ordinals]
    .sort((a, b) => a - b)
    .map((ordinal): Member => {
      const name = memberName(stack, ordinal);
      const claim = cluster.cached(persistentVolumeClaimKind, { namespace, name: claimName(stack, ordinal) });
      const pod = pods.find(({ metadata }) => metadata.name === name);
      const agent = reports.get(name) ?? 'unknown';
      return { ordinal, name, host: memberHost(stack, ordinal), ...(claim && { claim }), ...(pod && { pod }), agent };
    });
}

interface Creation extends Pick<MongodbPorts, 'failedCreates'>, Pick<Members, 'members'> {
  readonly statefulSet: StatefulSet;
}

/** Why pods are missing that the StatefulSet's controller has already tried to create. */
async function observeCreation(
  stack: AuthStack,
  { failedCreates, members, statefulSet }: Creation,
  pass: Pass,
): Promise<Pick<MongodbObservation, 'podsNotCreated'>> {
  const { metadata, spec } = statefulSet;
  const wanted = lacksPods(statefulSet) ? (spec?.replicas ?? 0) : 0;
  const missing = Array.from({ length: wanted }, (_, ordinal) => memberName(stack, ordinal)).filter((name) =>
    members.every((member) => member.name !== name || !member.pod),
  );
  const since = Date.parse(metadata.creationTimestamp ?? '');
  const podsNotCreated = await failedCreates({ statefulSet, missing, since }, pass);
  return podsNotCreated ? { podsNotCreated } : {};
}

/**
 * Kubernetes counts a pod that no watch of ours shows, or a pod runs on a claim that none shows: somebody took our labels
 * off. Only then is it worth a look.
 */
async function findUnlabelled(
  stack: AuthStack,
  { cluster, members, statefulSet }: Members & { readonly statefulSet: StatefulSet | undefined },
  pass: Pass,
): Promise<MongodbObservation['unlabelled']> {
  const namespace = namespaceOf(stack);
  const counted = statefulSet?.status?.replicas ?? 0;
  const isPodMissing = counted > members.filter(({ pod }) => pod).length;
  const suspects = members.flatMap(({ ordinal, name, pod, claim }): [Kind, string][] => {
    if (!pod) return isPodMissing && ordinal < counted ? [[podKind, name]] : [];
    return claim ? [] : [[persistentVolumeClaimKind, claimName(stack, ordinal)]];
  });
  const found = await Promise.all(
    suspects.map(async ([kind, name]) => {
      const object = await cluster.find<KubernetesObject>(kind, { namespace, name }, pass);
      return object && !belongsTo(stack, object) ? [{ kind: kind.kind, name }] : [];
    }),
  );
  return found.flat();
}

/**
 * A pod that finds no node may have its volume on one that was deleted; only then is it worth a look. Nothing else than a
 * volume that names its nodes, none of which exists, counts.
 */
async function observeNode(
  { pod, claim }: Member,
  { cluster, pass }: { readonly cluster: Cluster; readonly pass: Pass },
): Promise<{ isNodeGone?: true }> {
  const { volumeName } = claim?.spec ?? {};
  if (!pod || volumeName === undefined || !findsNoNode(pod)) return {};
  const volume = await cluster.read(persistentVolumeKind, { name: volumeName }, pass);
  const nodes = volume ? nodesOf(volume) : [];
  if (nodes.length === 0) return {};
  const found = await Promise.all(nodes.map((name) => cluster.read(nodeKind, { name }, pass)));
  return found.every((node) => node === undefined) ? { isNodeGone: true } : {};
}

function findsNoNode({ status }: Pod): boolean {
  return (
    status?.conditions?.some((condition) => condition.type === 'PodScheduled' && condition.status === 'False') === true
  );
}

/** Names of the only nodes that can have it, as local volumes say it; none when it is not bound to nodes by name. */
function nodesOf({ spec }: PersistentVolume): readonly string[] {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const named = terms.map(
    ({ matchExpressions = [] }) =>
      matchExpressions.find(({ key, operator }) => key === HOSTNAME_LABEL && operator === 'In')?.values ?? [],
  );
  return named.some((names) => names.length === 0) ? [] : named.flat();
}

/** Kubelets give it their own node's name (kubernetes.io/docs, "Well-Known Labels"). */
const HOSTNAME_LABEL = 'kubernetes.io/hostname';

/** Of the class that the first volume has; all have the same. */
function observeExpansion({ cluster, members }: Members): MongodbObservation['volumesCanGrow'] {
  const name = members.map(({ claim }) => claim?.spec?.storageClassName).find((one) => one !== undefined);
  if (name === undefined || name === '') return false;
  return cluster.cached(storageClassKind, { name })?.allowVolumeExpansion === true;
}

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

/** Looked at only while a volume is missing. */
function observeStorageClass(stack: AuthStack, { cluster, members }: Members): MongodbObservation['storageClass'] {
  const isBound = (claim: PersistentVolumeClaim | undefined): boolean => claim?.status?.phase === 'Bound';
  if (members.every(({ claim }) => isBound(claim))) return 'notLooked';
  const { className } = stack.spec.mongodb.storage;
  if (className !== undefined) {
    return cluster.cached(storageClassKind, { name: className }) ? 'present' : 'missing';
  }
  const classes = cluster.cachedList(storageClassKind);
  return classes.some(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === 'true') ? 'present' : 'noDefault';
}
