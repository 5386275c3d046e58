import type { AgentClient } from '../agents/client.ts';
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
import type { PersistentVolume, PersistentVolumeClaim, Pod, Secret } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { isOfStack, readIdentity } from '../stored/identity.ts';
import type { SeenIdentity } from '../stored/identity.ts';
import { addressOf, claimName, connectionUri, memberHost, memberName } from './members/member.ts';
import type { Member, MongodbImages, MongodbObservation, SeenSecret, SeenUriSecret } from './members/types.ts';

export interface MongodbPorts {
  readonly cluster: Cluster;
  readonly agents: AgentClient;
  readonly images: MongodbImages;
  /** What is in no namespace (StorageClasses, volumes, Nodes): an operator of listed namespaces has no right to it. */
  readonly seesCluster: boolean;
}

interface Around {
  readonly cluster: Cluster;
  readonly members: readonly Member[];
}

export async function observeMongodb(stack: AuthStack, ports: MongodbPorts, pass: Pass): Promise<MongodbObservation> {
  const { cluster, images, seesCluster } = ports;
  const names = namesOf(stack.metadata.name);
  const namespace = namespaceOf(stack);
  // The watch sees only what carries our label; a Secret without it must be seen before one is made.
  const find = (name: string): Promise<Secret | undefined> => cluster.find(secretKind, { namespace, name }, pass);
  const members = await observeMembers(stack, ports, pass);
  const identity = await observeIdentity(stack, { cluster, members }, pass);
  // Users come after the founding; looking for what cannot be there yet would cost requests for as long as it takes.
  const findUser = (name: string): Promise<Secret | undefined> =>
    identity.state === 'founded' ? find(name) : Promise.resolve(cluster.cached(secretKind, { namespace, name }));
  const [keyfile, rootUser, authUser] = await Promise.all([
    find(names.keyfile),
    findUser(names.rootUser),
    findUser(names.authUser),
  ]);
  const statefulSet = cluster.cached(statefulSetKind, { namespace, name: names.mongodb });
  const budget = cluster.cached(podDisruptionBudgetKind, { namespace, name: names.mongodb });
  return {
    stack,
    now: pass.now,
    images,
    identity,
    keyfile: readSecret(stack, keyfile),
    rootUser: readSecret(stack, rootUser),
    authUser: readUri(stack, authUser),
    hasAgentCertificate: cluster.cached(secretKind, { namespace, name: names.agentTls }) !== undefined,
    ...(statefulSet && { statefulSet }),
    ...(budget && { budget }),
    members,
    storageClass: seesCluster ? observeStorageClass(stack, { cluster, members }) : 'notLooked',
    volumesCanGrow: seesCluster ? observeExpansion({ cluster, members }) : 'notLooked',
  };
}

/**
 * Live as long as it may decide that a database is founded. The watch is enough for one that merely goes on, and while
 * there is no agent that could be told to found it.
 */
async function observeIdentity(stack: AuthStack, { cluster, members }: Around, pass: Pass): Promise<SeenIdentity> {
  const ref = { namespace: namespaceOf(stack), name: namesOf(stack.metadata.name).identity };
  const cached = readIdentity(stack, cluster.cached(secretKind, ref));
  if (cached.state === 'founded' && cached.formed) return cached;
  if (cached.state === 'founding' && members.every(({ agent }) => agent === 'unknown')) return cached;
  return readIdentity(stack, await cluster.read(secretKind, ref, pass));
}

async function observeMembers(
  stack: AuthStack,
  { cluster, agents, seesCluster }: MongodbPorts,
  pass: Pass,
): Promise<readonly Member[]> {
  const namespace = namespaceOf(stack);
  const selector = { namespace, labels: selectorOf(stack, 'mongodb') };
  const claims = cluster.cachedList(persistentVolumeClaimKind, selector);
  const ordinals = new Set(Array.from({ length: stack.spec.mongodb.members }, (_, ordinal) => ordinal));
  for (const { metadata } of claims) {
    const ordinal = Number(metadata.name.slice(claimName(stack, 0).length - 1));
    if (Number.isInteger(ordinal) && metadata.name === claimName(stack, ordinal)) ordinals.add(ordinal);
  }
  return Promise.all(
    [...ordinals]
      .sort((a, b) => a - b)
      .map(async (ordinal): Promise<Member> => {
        const name = memberName(stack, ordinal);
        const claim = cluster.cached(persistentVolumeClaimKind, { namespace, name: claimName(stack, ordinal) });
        const pod = cluster.cached(podKind, { namespace, name });
        const member = {
          ordinal,
          name,
          host: memberHost(stack, ordinal),
          ...(claim && { claim }),
          ...(pod && { pod }),
          agent: 'unknown' as const,
        };
        const at = addressOf(member);
        if (!at) return { ...member, ...(seesCluster && (await observeNode(member, { cluster, pass }))) };
        const seen = await agents.observe(stack, at, pass);
        // An address that another pod has by now must not speak for this member.
        return { ...member, agent: seen !== 'unknown' && seen.podUid === pod?.metadata.uid ? seen : 'unknown' };
      }),
  );
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

function readSecret(stack: AuthStack, secret: Secret | undefined): SeenSecret {
  if (!secret) return { state: 'absent' };
  if (!isOfStack(stack, secret)) return { state: 'foreign' };
  return { state: 'present', resourceVersion: secret.metadata.resourceVersion ?? '' };
}

function readUri(stack: AuthStack, secret: Secret | undefined): SeenUriSecret {
  const text = (key: string): string => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
  const credentials = { username: text('username'), password: text('password') };
  return {
    ...readSecret(stack, secret),
    ...(secret && { isCurrent: text('uri') === connectionUri(stack, credentials) }),
  };
}

/** Of the class that the first volume has; all have the same. */
function observeExpansion({ cluster, members }: Around): MongodbObservation['volumesCanGrow'] {
  const name = members.map(({ claim }) => claim?.spec?.storageClassName).find((one) => one !== undefined);
  if (name === undefined || name === '') return false;
  return cluster.cached(storageClassKind, { name })?.allowVolumeExpansion === true;
}

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

/** Looked at only while a volume is missing. */
function observeStorageClass(stack: AuthStack, { cluster, members }: Around): MongodbObservation['storageClass'] {
  const isBound = (claim: PersistentVolumeClaim | undefined): boolean => claim?.status?.phase === 'Bound';
  if (members.every(({ claim }) => isBound(claim))) return 'notLooked';
  const { className } = stack.spec.mongodb.storage;
  if (className !== undefined) {
    return cluster.cached(storageClassKind, { name: className }) ? 'present' : 'missing';
  }
  const classes = cluster.cachedList(storageClassKind);
  return classes.some(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === 'true') ? 'present' : 'noDefault';
}
