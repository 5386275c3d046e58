import { agentContract } from '@authstack/mongodb-agent/api';
import { wrongMongodExitCode } from '@authstack/mongodb-agent/gate-script';
import type { AuthStack } from '../../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../../api/names.ts';
import type { ContainerEnd, ContainerStatus, Pod } from '../../runtime/core-kinds.ts';
import { claimName } from '../members/addresses.ts';
import { isAnswering, isFenced, isHeldEmpty, isTerminating, isTerminatingClaim } from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/observation.ts';
import { annotations } from '../members/requests.ts';
import type { DatabaseReadyReason } from '../members/verdict.ts';
import { MONGOD_CONTAINER, isOutdated } from './pod-template.ts';
import { usedPercent } from './volume-size.ts';

export interface Diagnosis {
  readonly reason: DatabaseReadyReason;
  readonly message: string;
}

type Rule = (member: Member, seen: MongodbObservation) => Diagnosis | undefined;

/** Why a member does not come up, the cause that explains most first. */
const rules: readonly Rule[] = [
  theStorageClassIsMissing,
  thereIsNoDefaultStorageClass,
  theImageCannotBePulled,
  theImageHasAnotherMongod,
  theVolumeIsFull,
  aContainerCrashes,
  thePodHasNoNode,
  theVolumeIsTerminating,
  theVolumeIsPending,
  theMemberIsFenced,
  theVolumeCannotBeRead,
  mongodRefusesTheKeyfile,
  theAgentCannotBeReached,
];

/** The first trouble of the members in their order; undefined: they are merely on their way. */
export function diagnosisOf(seen: MongodbObservation): Diagnosis | undefined {
  for (const rule of rules) {
    const found = seen.members.map((member) => rule(member, seen)).find((trouble) => trouble !== undefined);
    if (found) return found;
  }
  return undefined;
}

function theStorageClassIsMissing({ ordinal, claim }: Member, seen: MongodbObservation): Diagnosis | undefined {
  if (claim?.status?.phase === 'Bound' || seen.storageClass !== 'missing') return undefined;
  const { stack } = seen;
  const { className = '' } = stack.spec.mongodb.storage;
  return {
    reason: 'StorageClassNotFound',
    message:
      `PersistentVolumeClaim ${claimName(stack, ordinal)} waits for StorageClass ${className}, which does not exist; ` +
      `create it, or delete AuthStack and claim and set spec.mongodb.storage.className to one of: kubectl get storageclass`,
  };
}

function thereIsNoDefaultStorageClass({ ordinal, claim }: Member, seen: MongodbObservation): Diagnosis | undefined {
  if (claim?.status?.phase === 'Bound' || seen.storageClass !== 'noDefault') return undefined;
  return {
    reason: 'StorageClassNotFound',
    message:
      `PersistentVolumeClaim ${claimName(seen.stack, ordinal)} waits: no StorageClass is the cluster's default; make ` +
      `one the default, or delete AuthStack and claim and set spec.mongodb.storage.className (kubectl get storageclass)`,
  };
}

const pullFailures = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);

function theImageCannotBePulled({ pod }: Member): Diagnosis | undefined {
  const status = statusesOf(pod).find(({ state }) => pullFailures.has(state?.waiting?.reason ?? ''));
  if (!pod || !status) return undefined;
  const isMongod = status.name === MONGOD_CONTAINER;
  const field = isMongod ? "spec.mongodb.image or the chart's mongodb.images" : "the chart's image.agent";
  const { reason = '', message = reason } = status.state?.waiting ?? {};
  return {
    reason: 'ImageNotPullable',
    message: `Pod ${pod.metadata.name} cannot pull ${status.image ?? 'its image'} (${message}); set ${field} to one that this cluster can pull`,
  };
}

/** The runtime's own words for an image that cannot even run the gate (containerd, runc). */
const cannotStart = new Set(['StartError', 'ContainerCannotRun']);

function theImageHasAnotherMongod({ pod }: Member, { stack }: MongodbObservation): Diagnosis | undefined {
  const status = statusesOf(pod).find(({ name, state }) => name === MONGOD_CONTAINER && !state?.running);
  const end = lastEndOf(status);
  if (!pod || !status || !end) return undefined;
  if (end.exitCode !== wrongMongodExitCode && !cannotStart.has(end.reason ?? '')) return undefined;
  const field = stack.spec.mongodb.image === undefined ? "the chart's mongodb.images" : 'spec.mongodb.image';
  return {
    reason: 'ImageUnfit',
    message:
      `Pod ${pod.metadata.name} does not start mongod: ${end.message ?? 'no cause given'}; its image ${status.image ?? ''} ` +
      `is not what it is said to be, and the data was not touched. Set ${field} to one with that version`,
  };
}

function lastEndOf(status: ContainerStatus | undefined): ContainerEnd | undefined {
  return status?.state?.terminated ?? status?.lastState?.terminated;
}

/** What is on a volume is given up only when somebody says so: it may be the last of its kind. */
export function resyncHint({ metadata: { name, namespace = '' } }: AuthStack, ordinal: number): string {
  return (
    `have the member copy all data anew: kubectl -n ${namespace} annotate authstack ${name} ` +
    `${annotations.resync}=${ordinal}`
  );
}

function aContainerCrashes({ pod, ordinal }: Member, { stack }: MongodbObservation): Diagnosis | undefined {
  const status = statusesOf(pod).find(({ state }) => state?.waiting?.reason === 'CrashLoopBackOff');
  if (!pod || !status) return undefined;
  const { exitCode, reason = 'Error' }: Partial<ContainerEnd> = lastEndOf(status) ?? {};
  const { name, namespace = '' } = pod.metadata;
  const way = status.name === MONGOD_CONTAINER ? `; where its data is damaged, ${resyncHint(stack, ordinal)}` : '';
  return {
    reason: 'ContainerCrashes',
    message:
      `container ${status.name} of Pod ${name} ended with ${reason}${exitCode === undefined ? '' : `, exit code ${exitCode}`} ` +
      `and was restarted ${status.restartCount} times: kubectl -n ${namespace} logs ${name} -c ${status.name} --previous${way}`,
  };
}

function thePodHasNoNode({ pod }: Member): Diagnosis | undefined {
  const scheduled = pod?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (!pod || scheduled?.status !== 'False') return undefined;
  const { name, namespace = '' } = pod.metadata;
  return {
    reason: 'PodUnschedulable',
    message: `Pod ${name} has no node: ${scheduled.message ?? scheduled.reason ?? 'no reason given'}; kubectl -n ${namespace} describe pod ${name}`,
  };
}

export function theVolumeIsTerminating({ claim, name }: Member, { stack }: MongodbObservation): Diagnosis | undefined {
  if (!claim || !isTerminatingClaim(claim)) return undefined;
  return {
    reason: 'VolumeBeingDeleted',
    message:
      `PersistentVolumeClaim ${claim.metadata.name} was deleted and goes when no pod uses it any more: ` +
      `kubectl -n ${namespaceOf(stack)} delete pod ${name}`,
  };
}

const PENDING_IS_LONG = 30_000;

function theVolumeIsPending({ ordinal, claim }: Member, { stack, now }: MongodbObservation): Diagnosis | undefined {
  const since = Date.parse(claim?.metadata.creationTimestamp ?? '');
  if (claim?.status?.phase === 'Bound' || !(now - since > PENDING_IS_LONG)) return undefined;
  const name = claimName(stack, ordinal);
  return {
    reason: 'VolumePending',
    message:
      `PersistentVolumeClaim ${name} has been ${claim?.status?.phase ?? 'Pending'} for ${Math.round((now - since) / 1000)} s; ` +
      `kubectl -n ${namespaceOf(stack)} describe pvc ${name}`,
  };
}

/** WiredTiger ends mongod when it cannot write; the little that is left is of no use to it. */
const FULL_PERCENT = 99;

function theVolumeIsFull(member: Member, { stack }: MongodbObservation): Diagnosis | undefined {
  const used = usedPercent(member.agent);
  if (used === undefined || used < FULL_PERCENT) return undefined;
  const claim = claimName(stack, member.ordinal);
  const { size, autoGrow } = stack.spec.mongodb.storage;
  const field = autoGrow ? `storage.autoGrow.maxSize, now ${autoGrow.maxSize},` : `storage.size, now ${size},`;
  return {
    reason: 'VolumeFull',
    message:
      `the volume of ${member.name} (PersistentVolumeClaim ${claim}) is full, and mongod cannot run on it; raise ` +
      `spec.mongodb.${field} if its StorageClass lets it grow: kubectl -n ${namespaceOf(stack)} describe pvc ${claim}`,
  };
}

function theMemberIsFenced(member: Member, { stack }: MongodbObservation): Diagnosis | undefined {
  if (!isFenced(member)) return undefined;
  const { name } = stack.metadata;
  return {
    reason: 'MemberFenced',
    message:
      `${member.name} is held because it is fenced; to let it go: kubectl -n ${namespaceOf(stack)} annotate authstack ` +
      `${name} ${annotations.fence}-`,
  };
}

function theVolumeCannotBeRead(member: Member, { stack }: MongodbObservation): Diagnosis | undefined {
  if (!isAnswering(member) || member.agent.volume.state !== 'unreadable') return undefined;
  return {
    reason: 'VolumeUnreadable',
    message:
      `the volume of ${member.name} cannot be judged, so mongod is not started on it: ${member.agent.volume.problem ?? 'no cause given'}; ` +
      `repair it, or ${resyncHint(stack, member.ordinal)}`,
  };
}

function mongodRefusesTheKeyfile(member: Member, { stack }: MongodbObservation): Diagnosis | undefined {
  if (!isAnswering(member) || member.agent.mongod.state !== 'answers') return undefined;
  const { problem } = member.agent.mongod;
  if (problem === undefined) return undefined;
  return {
    reason: 'KeyfileRefused',
    message:
      `${member.name} tells nothing of its set: ${problem}. Compare Secret ${namesOf(stack.metadata.name).keyfile} with ` +
      `kubectl -n ${namespaceOf(stack)} exec ${member.name} -c mongod -- cat /gate/keyfile`,
  };
}

/** An agent that has just started may still be looking for its port. */
const AGENT_STARTS_WITHIN = 15_000;

function theAgentCannotBeReached(
  { agent, pod, name }: Member,
  { stack, now }: MongodbObservation,
): Diagnosis | undefined {
  const status = statusesOf(pod).find((one) => one.name === 'agent' && one.started === true);
  const runsFor = now - Date.parse(status?.state?.running?.startedAt ?? '');
  if (agent !== 'unknown' || !(runsFor > AGENT_STARTS_WITHIN)) return undefined;
  return {
    reason: 'MembersUnreachable',
    message:
      `the agent of ${name} runs and does not answer the operator on port ${agentContract.apiPort}; see that no ` +
      `NetworkPolicy stands between them: kubectl -n ${namespaceOf(stack)} logs ${name} -c agent`,
  };
}

function statusesOf(pod: Pod | undefined): readonly ContainerStatus[] {
  return [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])];
}

/** Nothing is on their volumes, and the volumes cannot go and be made anew while a pod holds them. */
export function podsOnTerminatingVolumes({ members }: MongodbObservation): readonly Pod[] {
  return members
    .flatMap((member) =>
      !isTerminating(member) && isHeldEmpty(member) && isTerminatingClaim(member.claim) ? [member.pod] : [],
    )
    .filter((pod) => pod !== undefined);
}

/** Pods of an older template whose mongod does not run: only a new pod can take what was mended, and takes nothing away. */
export function podsThatDoNotRun({ members, statefulSet }: MongodbObservation): readonly Pod[] {
  return members.flatMap((member) => {
    const { pod } = member;
    if (!pod || isTerminating(member)) return [];
    return isOutdated(pod, statefulSet) && !isRunning(pod) ? [pod] : [];
  });
}

function isRunning(pod: Pod): boolean {
  const mongod = mongodOf(pod);
  return mongod !== undefined && mongod.state?.waiting === undefined;
}

/** The container of mongod, which may not have come further than its gate. */
export function hasStarted(pod: Pod): boolean {
  return isRunning(pod) || (mongodOf(pod)?.restartCount ?? 0) > 0;
}

function mongodOf({ status }: Pod): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === MONGOD_CONTAINER);
}
