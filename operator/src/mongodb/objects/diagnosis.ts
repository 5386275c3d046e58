import { agentContract } from '@authstack/mongodb-agent/api';
import { wrongMongodExitCode } from '@authstack/mongodb-agent/gate-script';
import type { AuthStack } from '../../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../../api/names.ts';
import type { ContainerEnd, ContainerStatus, Pod } from '../../runtime/core-kinds.ts';
import { diagnose } from '../../workloads/diagnose.ts';
import type { PodAdvice, PodProblemReason } from '../../workloads/diagnose.ts';
import { claimName } from '../members/addresses.ts';
import { isAnswering, isFenced, isTerminatingClaim } from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/observation.ts';
import { annotations } from '../members/requests.ts';
import type { Note } from '../members/verdict.ts';
import { AGENT_CONTAINER, MONGOD_CONTAINER } from './pod-template.ts';
import { mongodOf } from './stuck-pods.ts';
import { usedPercent } from './volume-size.ts';

type Rule = (member: Member, seen: MongodbObservation) => Note | undefined;

/** Why a member does not come up, the cause that explains most first. */
const rules: readonly Rule[] = [
  thePodIsNotCreated,
  theStorageClassIsMissing,
  thereIsNoDefaultStorageClass,
  podHas('ImageNotPullable', 'ContainerConfigInvalid'),
  theImageHasAnotherMongod,
  theVolumeIsFull,
  podHas('ContainerCrashes'),
  podHas('PodUnschedulable'),
  theVolumeIsTerminating,
  theVolumeIsPending,
  theMemberIsFenced,
  theVolumeCannotBeRead,
  mongodRefusesTheKeyfile,
  theAgentCannotBeReached,
];

/** The first diagnosis of the members in their order; undefined: they are merely starting. */
export function diagnosisOf(seen: MongodbObservation): Note | undefined {
  for (const rule of rules) {
    const found = seen.members.map((member) => rule(member, seen)).find((note) => note !== undefined);
    if (found) return found;
  }
  return undefined;
}

/** Without a pod no volume is bound and no member joins, so this comes before what follows from it. */
function thePodIsNotCreated({ name, pod }: Member, { stack, podsNotCreated }: MongodbObservation): Note | undefined {
  if (pod || !podsNotCreated) return undefined;
  return {
    reason: 'PodsNotCreated',
    message:
      `Kubernetes cannot create Pod ${name}: ${podsNotCreated.cause}. Make room, or set spec.mongodb.resources; the ` +
      `operator has it tried again every 10s: kubectl -n ${namespaceOf(stack)} get resourcequotas,limitranges`,
  };
}

const advice: PodAdvice = {
  imageFields: {
    [MONGOD_CONTAINER]: "spec.mongodb.image or the chart's mongodb.images",
    [AGENT_CONTAINER]: "the chart's image.agent",
  },
  notReady: 'does not serve',
};

/** A member that waits is not ready for good reasons, so that alone is no diagnosis. */
function podHas(...reasons: readonly Exclude<PodProblemReason, 'NotReady'>[]): Rule {
  const wanted: ReadonlySet<string> = new Set(reasons);
  return ({ pod, ordinal }, { stack }) => {
    const problem = pod && diagnose(pod, advice);
    if (!problem || problem.reason === 'NotReady' || !wanted.has(problem.reason)) return undefined;
    const { reason, message, container } = problem;
    const isMongodCrash = reason === 'ContainerCrashes' && container === MONGOD_CONTAINER;
    const hint = isMongodCrash ? `. Where its data is damaged, ${resyncHint(stack, ordinal)}` : '';
    return { reason, message: `${message}${hint}` };
  };
}

function theStorageClassIsMissing({ ordinal, claim }: Member, seen: MongodbObservation): Note | undefined {
  if (claim?.status?.phase === 'Bound' || seen.storageClass !== 'missing') return undefined;
  const { stack } = seen;
  const { className = '' } = stack.spec.mongodb.storage;
  return {
    reason: 'StorageClassNotFound',
    message:
      `PersistentVolumeClaim ${claimName(stack, ordinal)} needs StorageClass ${className}, which does not exist. ` +
      `Create it, or delete AuthStack and claim and set spec.mongodb.storage.className to one of: kubectl get storageclass`,
  };
}

function thereIsNoDefaultStorageClass({ ordinal, claim }: Member, seen: MongodbObservation): Note | undefined {
  if (claim?.status?.phase === 'Bound' || seen.storageClass !== 'noDefault') return undefined;
  return {
    reason: 'StorageClassNotFound',
    message:
      `PersistentVolumeClaim ${claimName(seen.stack, ordinal)} needs a StorageClass, and none is the default. Make one ` +
      `the default, or delete AuthStack and claim and set spec.mongodb.storage.className (kubectl get storageclass)`,
  };
}

/** The runtime's own words for an image that cannot even run the gate (containerd, runc). */
const cannotStart = new Set(['StartError', 'ContainerCannotRun']);

function theImageHasAnotherMongod({ pod }: Member, { stack }: MongodbObservation): Note | undefined {
  const status = pod && mongodOf(pod);
  if (!pod || !status || !isWrongImage(status)) return undefined;
  const field = stack.spec.mongodb.image === undefined ? "the chart's mongodb.images" : 'spec.mongodb.image';
  const cause = lastEndOf(status)?.message ?? 'no cause given';
  return {
    reason: 'ImageUnfit',
    message:
      `Pod ${pod.metadata.name} does not start mongod: ${cause}. Its image ${status.image ?? ''} has another version or no ` +
      `mongod, and the data was not touched. Set ${field} to one with that version`,
  };
}

function isWrongImage(mongod: ContainerStatus): boolean {
  const end = lastEndOf(mongod);
  if (!end || mongod.state?.running) return false;
  return end.exitCode === wrongMongodExitCode || cannotStart.has(end.reason ?? '');
}

function lastEndOf({ state, lastState }: ContainerStatus): ContainerEnd | undefined {
  return state?.terminated ?? lastState?.terminated;
}

/** What is on a volume is deleted only on request: it may be the last copy. */
export function resyncHint({ metadata: { name, namespace = '' } }: AuthStack, ordinal: number): string {
  return (
    `have the member copy all data again: kubectl -n ${namespace} annotate authstack ${name} ` +
    `${annotations.resync}=${ordinal}`
  );
}

export function theVolumeIsTerminating({ claim, name }: Member, { stack }: MongodbObservation): Note | undefined {
  if (!claim || !isTerminatingClaim(claim)) return undefined;
  return {
    reason: 'VolumeBeingDeleted',
    message:
      `PersistentVolumeClaim ${claim.metadata.name} is Terminating, and a pod still uses it: ` +
      `kubectl -n ${namespaceOf(stack)} delete pod ${name}`,
  };
}

const PENDING_IS_LONG = 30_000;

function theVolumeIsPending({ ordinal, claim }: Member, { stack, now }: MongodbObservation): Note | undefined {
  const since = Date.parse(claim?.metadata.creationTimestamp ?? '');
  if (claim?.status?.phase === 'Bound' || !(now - since > PENDING_IS_LONG)) return undefined;
  const name = claimName(stack, ordinal);
  return {
    reason: 'VolumePending',
    message:
      `PersistentVolumeClaim ${name} has been ${claim?.status?.phase ?? 'Pending'} for ${Math.round((now - since) / 1000)}s: ` +
      `kubectl -n ${namespaceOf(stack)} describe pvc ${name}`,
  };
}

/** WiredTiger ends mongod when it cannot write; the little that is left is of no use to it. */
const FULL_PERCENT = 99;

function theVolumeIsFull(member: Member, { stack }: MongodbObservation): Note | undefined {
  const used = usedPercent(member.agent);
  if (used === undefined || used < FULL_PERCENT) return undefined;
  const claim = claimName(stack, member.ordinal);
  const { size, autoGrow } = stack.spec.mongodb.storage;
  const field = autoGrow ? `storage.autoGrow.maxSize, now ${autoGrow.maxSize},` : `storage.size, now ${size},`;
  return {
    reason: 'VolumeFull',
    message:
      `The volume of ${member.name} (PersistentVolumeClaim ${claim}) is full, and mongod cannot run on it. Raise ` +
      `spec.mongodb.${field} if its StorageClass lets it grow: kubectl -n ${namespaceOf(stack)} describe pvc ${claim}`,
  };
}

function theMemberIsFenced(member: Member, { stack }: MongodbObservation): Note | undefined {
  if (!isFenced(member)) return undefined;
  const { name } = stack.metadata;
  return {
    reason: 'MemberFenced',
    message:
      `${member.name} is fenced. Remove the fence: kubectl -n ${namespaceOf(stack)} annotate authstack ${name} ` +
      `${annotations.fence}-`,
  };
}

function theVolumeCannotBeRead(member: Member, { stack }: MongodbObservation): Note | undefined {
  if (!isAnswering(member) || member.agent.volume.state !== 'unreadable') return undefined;
  return {
    reason: 'VolumeUnreadable',
    message:
      `The volume of ${member.name} is neither empty nor readable, so mongod is not started on it: ` +
      `${member.agent.volume.problem ?? 'no cause given'}. Repair it, or ${resyncHint(stack, member.ordinal)}`,
  };
}

function mongodRefusesTheKeyfile(member: Member, { stack }: MongodbObservation): Note | undefined {
  if (!isAnswering(member) || member.agent.mongod.state !== 'answers') return undefined;
  const { problem } = member.agent.mongod;
  if (problem === undefined) return undefined;
  return {
    reason: 'KeyfileRefused',
    message:
      `${member.name} does not report its replica set: ${problem}. Compare Secret ${namesOf(stack.metadata.name).keyfile} with ` +
      `kubectl -n ${namespaceOf(stack)} exec ${member.name} -c mongod -- cat /gate/keyfile`,
  };
}

/** An agent that has just started may still be looking for its port. */
const AGENT_STARTS_WITHIN = 15_000;

function theAgentCannotBeReached({ agent, pod, name }: Member, { stack, now }: MongodbObservation): Note | undefined {
  const status = statusesOf(pod).find((one) => one.name === AGENT_CONTAINER && one.started === true);
  const runsFor = now - Date.parse(status?.state?.running?.startedAt ?? '');
  if (agent !== 'unknown' || !(runsFor > AGENT_STARTS_WITHIN)) return undefined;
  return {
    reason: 'MembersUnreachable',
    message:
      `The agent of ${name} runs and does not answer the operator on port ${agentContract.apiPort}. Check NetworkPolicies ` +
      `between them: kubectl -n ${namespaceOf(stack)} logs ${name} -c ${AGENT_CONTAINER}`,
  };
}

function statusesOf(pod: Pod | undefined): readonly ContainerStatus[] {
  return [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])];
}
