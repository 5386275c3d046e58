import type { Volume } from '@authstack/mongodb-agent/api';
import type { AuthStack } from '../../api/auth-stack.ts';
import { namespaceOf } from '../../api/names.ts';
import { firstAnswer } from '../../planning.ts';
import { persistentVolumeClaimKind } from '../../runtime/core-kinds.ts';
import { changeIdentity, createIdentity, replaceIdentity } from '../../stored/identity.ts';
import type { Identity, Initiating } from '../../stored/identity.ts';
import type { MongodbAction } from '../members/action.ts';
import { claimName } from '../members/addresses.ts';
import { theKeyfileIsLost } from '../members/keyfile.ts';
import { addressOf, isAnswering, isHeldEmpty, isTerminating, isTerminatingClaim, stackRef } from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/observation.ts';
import { acting, refusing, waiting } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { desiredObjects } from '../objects/desired.ts';
import { diagnosisOf, theVolumeIsTerminating } from '../objects/diagnosis.ts';
import { hasStarted } from '../objects/stuck-pods.ts';
import { memberClaim } from '../objects/volume-claim.ts';
import { nextGrowth } from '../replica-set/growth.ts';
import { findReplicaSet, recoverIdentity } from './find-replica-set.ts';

/*
 * A replica set is initiated once:
 *
 *   no identity ► claim of member 0 ► identity `initiating` (uid of that claim) ► keyfile, StatefulSet of one
 *        ► agent of member 0: volume empty ► release ► mongod reports "not initialized" ► initiate
 *        ► a member reports the set's id ► identity `initiated` (that id) ► users, then the other members
 *
 * Nothing in it is acknowledged to anybody before its id is in the identity Secret, so until then every step may be
 * repeated; and no step is taken while another volume might hold a set already.
 */

interface InitiatingContext {
  readonly seen: MongodbObservation;
  readonly identity: Initiating;
  /** Member 0, which initiates the set; the others join it. */
  readonly first?: Member;
}

type Rule = (context: InitiatingContext) => DatabaseVerdict | undefined;

const rules: readonly Rule[] = [
  aMemberHasAReplicaSet,
  anotherVersionIsRequested,
  theFirstMemberHasNoVolume,
  theFirstVolumeIsTerminating,
  theFirstMemberGotAnotherVolume,
  thePodsHadAKeyfile,
  thereIsNoKeyfile,
  theFirstMemberIsNotReached,
  anotherVolumeMightHoldData,
  theFirstVolumeHasAPast,
  theFirstMemberIsHeld,
  theFirstMemberIsNotInitialized,
  mongodIsStarting,
];

/** Without an identity: what the members report makes one again, else it begins with the claim of member 0. */
export function planBootstrap(seen: MongodbObservation): DatabaseVerdict {
  const { stack, images } = seen;
  const found = findReplicaSet(seen);
  // What an earlier stack of this name leaves behind must be gone before the next begins.
  const [terminating] = seen.members
    .map((member) => theVolumeIsTerminating(member, seen))
    .filter((one) => one !== undefined);
  if (terminating) return waiting(terminating.reason, terminating.message);
  if (found.state === 'several') return found.verdict;
  if (found.state === 'one') return recoverIdentity(seen, found);
  const version = stack.spec.mongodb.version ?? images.defaultVersion;
  const firstClaimUid = seen.members[0]?.claim?.metadata.uid;
  if (firstClaimUid === undefined) return createFirstClaim(stack);
  return acting('False', 'Initiating', `Initiating the replica set on ${claimName(stack, 0)}`, [
    createIdentity(stack, newIdentity(stack, { version, firstClaimUid })),
  ]);
}

export function newIdentity(
  { metadata }: AuthStack,
  { version, firstClaimUid }: { readonly version: string; readonly firstClaimUid: string },
): Identity {
  return {
    ...{ state: 'initiating', firstClaimUid, version, adoptedBy: metadata.uid ?? '' },
    ...{ nextMemberId: 1, formed: 0, members: 0, credentials: '', rebuilt: [] },
  };
}

export function planInitiating(seen: MongodbObservation, identity: Initiating): DatabaseVerdict | undefined {
  const first = seen.members.find(({ ordinal }) => ordinal === 0);
  return firstAnswer(rules, { seen, identity, ...(first && { first }) });
}

function aMemberHasAReplicaSet({ seen, identity }: InitiatingContext): DatabaseVerdict | undefined {
  const found = findReplicaSet(seen);
  if (found.state === 'none') return undefined;
  if (found.state === 'several') return found.verdict;
  const id = found.reporter.set.replicaSetId;
  return acting('False', 'Initiating', `The replica set is initiated: ${id}`, [
    replaceIdentity(seen.stack, identity, found.identity),
  ]);
}

/** Nothing is on the volumes until a mongod has run, so what was requested first may have been a slip. */
function anotherVersionIsRequested({
  seen: { stack, members },
  identity,
}: InitiatingContext): DatabaseVerdict | undefined {
  const { version = identity.version } = stack.spec.mongodb;
  if (version === identity.version || members.some(mayHaveRun)) return undefined;
  const message = `Initiating the replica set with MongoDB ${version} instead of ${identity.version}`;
  return acting('False', 'Initiating', message, [changeIdentity(stack, identity, { version })]);
}

/** A mongod whose agent is silent may be initiating the set in this moment. */
function mayHaveRun({ agent, pod }: Member): boolean {
  if (agent === 'unknown') return pod !== undefined && hasStarted(pod);
  return agent.volume.state !== 'empty' || agent.gate === 'released' || agent.mongod.state !== 'down';
}

function theFirstMemberHasNoVolume({ seen, first }: InitiatingContext): DatabaseVerdict | undefined {
  return first?.claim ? undefined : createFirstClaim(seen.stack);
}

function createFirstClaim(stack: AuthStack): DatabaseVerdict {
  const object = memberClaim(stack, 0);
  const message = `Creating PersistentVolumeClaim ${object.metadata.name} for the first member`;
  return acting('False', 'Initiating', message, [{ type: 'create', kind: persistentVolumeClaimKind, object }]);
}

function theFirstVolumeIsTerminating(context: InitiatingContext): DatabaseVerdict | undefined {
  if (!isTerminatingClaim(context.first?.claim)) return undefined;
  return initiating(context, 'The volume of the first member is Terminating');
}

/** The claim was deleted while the set was being initiated; nothing had been promised to anybody. */
function theFirstMemberGotAnotherVolume({ seen, identity, first }: InitiatingContext): DatabaseVerdict | undefined {
  const uid = first?.claim?.metadata.uid;
  if (uid === undefined || uid === identity.firstClaimUid) return undefined;
  const { resourceVersion, createdAt: _createdAt, ...value } = identity;
  return acting('False', 'Initiating', 'The first member got another volume. Initiating the replica set on that', [
    replaceIdentity(seen.stack, { resourceVersion }, { ...value, firstClaimUid: uid }),
  ]);
}

/** No pod starts without the keyfile, so a pod that runs had one, and its mongod may hold data. */
function thePodsHadAKeyfile({ seen }: InitiatingContext): DatabaseVerdict | undefined {
  const hadOne = seen.members.some(({ pod }) =>
    pod?.status?.initContainerStatuses?.some(({ started }) => started === true),
  );
  return hadOne ? theKeyfileIsLost(seen) : undefined;
}

function thereIsNoKeyfile({ seen: { stack, keyfile } }: InitiatingContext): DatabaseVerdict | undefined {
  if (keyfile.state !== 'absent') return undefined;
  return acting('False', 'Initiating', 'Creating the keyfile of the members', [
    { type: 'createKeyfile', stack: stackRef(stack) },
  ]);
}

function theFirstMemberIsNotReached(context: InitiatingContext): DatabaseVerdict | undefined {
  const { first } = context;
  if (first && isAnswering(first) && addressOf(first)) return undefined;
  return initiating(context, 'The pod of the first member is starting');
}

/** Another claim is a sign of an earlier stack: as long as its content is unknown, nothing is initiated. */
function anotherVolumeMightHoldData(context: InitiatingContext): DatabaseVerdict | undefined {
  const doubtful = context.seen.members.find(
    (member) => member.ordinal > 0 && member.claim !== undefined && !isHeldEmpty(member),
  );
  if (!doubtful) return undefined;
  return initiating(
    context,
    `Before the replica set is initiated, ${doubtful.name} has to report what its volume holds`,
  );
}

/** Neither fresh nor marked for this set: whatever it was, no new database begins on it. */
function theFirstVolumeHasAPast({ seen, identity, first }: InitiatingContext): DatabaseVerdict | undefined {
  if (!first || !isAnswering(first)) return undefined;
  const { volume, replicaSet } = first.agent;
  if (replicaSet.state !== 'notInitialized' && !isHeldEmpty(first)) return undefined;
  if (isMarkedFor(identity, volume) || (isUnmarked(volume) && isHeldEmpty(first))) return undefined;
  const claim = claimName(seen.stack, 0);
  const past =
    volume.replicaSetId === undefined ? `claim ${volume.pvcUid ?? 'unknown'}` : `replica set ${volume.replicaSetId}`;
  return refusing(
    'ForeignData',
    `The volume of ${first.name} belonged to ${past} before, not to claim ${identity.firstClaimUid}. No replica set is ` +
      `initiated on it. To begin on an empty one: kubectl -n ${namespaceOf(seen.stack)} delete pvc/${claim} pod/${first.name}`,
  );
}

function isMarkedFor({ firstClaimUid }: Initiating, { pvcUid, replicaSetId }: Volume): boolean {
  return pvcUid === firstClaimUid && replicaSetId === undefined;
}

function isUnmarked({ pvcUid, replicaSetId }: Volume): boolean {
  return pvcUid === undefined && replicaSetId === undefined;
}

function theFirstMemberIsHeld(context: InitiatingContext): DatabaseVerdict | undefined {
  const { first, identity, seen } = context;
  const member = first && addressOf(first);
  if (!first || !member || !isHeldEmpty(first) || isTerminating(first)) return undefined;
  return initiating(context, `Starting mongod of ${first.name}`, [
    { type: 'release', stack: stackRef(seen.stack), member, pvcUid: identity.firstClaimUid },
  ]);
}

function theFirstMemberIsNotInitialized(context: InitiatingContext): DatabaseVerdict | undefined {
  const { first, identity, seen } = context;
  const member = first && addressOf(first);
  if (!first || !member || !isAnswering(first)) return undefined;
  const { replicaSet, volume } = first.agent;
  if (replicaSet.state !== 'notInitialized' || volume.pvcUid !== identity.firstClaimUid) return undefined;
  return initiating(context, `Initiating the replica set on ${first.name}`, [
    { type: 'initiate', stack: stackRef(seen.stack), member, pvcUid: identity.firstClaimUid },
  ]);
}

function mongodIsStarting(context: InitiatingContext): DatabaseVerdict {
  return initiating(context, 'mongod of the first member is starting');
}

function initiating(
  { seen, identity }: InitiatingContext,
  message: string,
  actions: readonly MongodbAction[] = [],
): DatabaseVerdict {
  const diagnosis = diagnosisOf(seen);
  // Beside the first only members whose volumes must be looked into: a fresh set grows once it is initiated.
  const last = Math.max(0, ...seen.members.filter(({ claim }) => claim).map(({ ordinal }) => ordinal));
  return acting('False', diagnosis?.reason ?? 'Initiating', diagnosis?.message ?? message, [
    ...desiredObjects(seen, { version: identity.version, replicas: last + 1 }),
    ...actions,
    ...(nextGrowth(seen)?.actions ?? []),
  ]);
}
