import type { Volume } from '@authstack/mongodb-agent/api';
import { namespaceOf } from '../../api/names.ts';
import { persistentVolumeClaimKind } from '../../runtime/core-kinds.ts';
import { changeIdentity, createIdentity } from '../../stored/identity.ts';
import type { SeenIdentity } from '../../stored/identity.ts';
import { keyfileLost, recoverKeyfile } from '../members/keyfile.ts';
import {
  addressOf,
  claimName,
  isAnswering,
  isHeldEmpty,
  isTerminating,
  isTerminatingClaim,
} from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/types.ts';
import { verdict } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { desiredObjects } from '../objects/desired.ts';
import { diagnosisOf, hasStarted, theVolumeIsTerminating } from '../objects/diagnosis.ts';
import { memberClaim } from '../objects/volume-claim.ts';
import { findReplicaSet, recoverIdentity } from './find-replica-set.ts';

type Initiating = Extract<SeenIdentity, { state: 'founding' }>;
type Rule = (seen: MongodbObservation, identity: Initiating) => DatabaseVerdict | undefined;

/**
 * A set is founded once. Nothing in it is acknowledged to anybody before its id stands in the identity Secret, so until
 * then everything may be done again; and nothing is founded while another volume might hold a set already.
 */
const rules: readonly Rule[] = [
  aMemberHasAReplicaSet,
  anotherVersionIsAskedFor,
  theFirstMemberHasNoVolume,
  theFirstVolumeIsTerminating,
  theFirstMemberGotAnotherVolume,
  theKeyfileIsLost,
  theKeyfileIsNotThere,
  theFirstMemberIsNotReached,
  anotherVolumeMightHoldData,
  theFirstVolumeIsForeign,
  theFirstMemberIsHeld,
  theFirstMemberIsEmpty,
];

/** Before there is an identity: the volume of the founder, then the identity that names it. */
export function beginInitiating(seen: MongodbObservation): DatabaseVerdict {
  const { stack, images } = seen;
  const found = findReplicaSet(seen);
  // What an earlier life of the stack leaves behind must be gone before the next begins.
  const [going] = seen.members.map((member) => theVolumeIsTerminating(member, seen)).filter((one) => one !== undefined);
  if (going) return verdict('False', going.reason, going.message);
  if (found.state === 'several') return found.step;
  if (found.state === 'one') return recoverIdentity(seen, found);
  const version = stack.spec.mongodb.version ?? images.defaultVersion;
  const claim = seen.members[0]?.claim;
  if (claim?.metadata.uid === undefined) {
    const name = claimName(stack, 0);
    return verdict(
      'False',
      'Founding',
      `PersistentVolumeClaim ${name} is made, on which the database will be founded`,
      {
        actions: [{ type: 'create', kind: persistentVolumeClaimKind, object: memberClaim(stack, 0) }],
      },
    );
  }
  const facts = {
    ...{ state: 'founding', 'founder-pvc-uid': claim.metadata.uid, version },
    ...{ 'next-member-id': '1', 'adopted-by': stack.metadata.uid ?? '' },
  };
  return verdict('False', 'Founding', `the database will be founded on ${claim.metadata.name}`, {
    actions: [createIdentity(stack, facts)],
  });
}

export function planInitiating(seen: MongodbObservation, identity: Initiating): DatabaseVerdict {
  for (const rule of rules) {
    const step = rule(seen, identity);
    if (step) return step;
  }
  return founding(seen, identity, 'mongod of the founder is starting');
}

function aMemberHasAReplicaSet(seen: MongodbObservation, identity: Initiating): DatabaseVerdict | undefined {
  const found = findReplicaSet(seen);
  if (found.state === 'none') return undefined;
  if (found.state === 'several') return found.step;
  return verdict('False', 'Founding', `the set is ${found.by.set.replicaSetId}`, {
    actions: [changeIdentity(seen.stack, identity, found.facts)],
  });
}

/** Nothing is on the volumes until a mongod has run, so what was asked for first may have been a slip. */
function anotherVersionIsAskedFor(
  { stack, members }: MongodbObservation,
  identity: Initiating,
): DatabaseVerdict | undefined {
  const { version = identity.version } = stack.spec.mongodb;
  if (version === identity.version || members.some(mayHaveRun)) return undefined;
  const message = `the database will be founded with MongoDB ${version} instead of ${identity.version}`;
  return verdict('False', 'Founding', message, { actions: [changeIdentity(stack, identity, { version })] });
}

/** A mongod whose agent is silent may be founding the set in this moment. */
function mayHaveRun({ agent, pod }: Member): boolean {
  if (agent === 'unknown') return pod !== undefined && hasStarted(pod);
  return agent.volume.state !== 'empty' || agent.gate === 'released' || agent.mongod.state !== 'down';
}

function theFirstMemberHasNoVolume(seen: MongodbObservation): DatabaseVerdict | undefined {
  if (firstMemberOf(seen)?.claim) return undefined;
  return verdict('False', 'Founding', `PersistentVolumeClaim ${claimName(seen.stack, 0)} is made anew`, {
    actions: [{ type: 'create', kind: persistentVolumeClaimKind, object: memberClaim(seen.stack, 0) }],
  });
}

function theFirstVolumeIsTerminating(seen: MongodbObservation, identity: Initiating): DatabaseVerdict | undefined {
  if (!isTerminatingClaim(firstMemberOf(seen)?.claim)) return undefined;
  return founding(seen, identity, 'the volume of the founder is being deleted');
}

/** The claim was deleted while the database was being founded; nothing had been promised to anybody. */
function theFirstMemberGotAnotherVolume(seen: MongodbObservation, identity: Initiating): DatabaseVerdict | undefined {
  const claim = firstMemberOf(seen)?.claim;
  const uid = claim?.metadata.uid;
  if (claim === undefined || uid === undefined || uid === identity.firstMemberClaimUid) return undefined;
  return verdict(
    'False',
    'Founding',
    `the founder's volume was replaced by another; the database will be founded on that`,
    {
      actions: [changeIdentity(seen.stack, identity, { 'founder-pvc-uid': uid })],
    },
  );
}

/** No pod starts without the keyfile, so a pod that runs had one, and its mongod may hold data. */
function theKeyfileIsLost(seen: MongodbObservation): DatabaseVerdict | undefined {
  const { stack, keyfile, members } = seen;
  const hadOne = members.some(({ pod }) => pod?.status?.initContainerStatuses?.some(({ started }) => started === true));
  if (keyfile.state !== 'absent' || !hadOne) return undefined;
  return recoverKeyfile(seen) ?? verdict('False', 'KeyfileLost', keyfileLost(stack));
}

function theKeyfileIsNotThere(seen: MongodbObservation): DatabaseVerdict | undefined {
  if (seen.keyfile.state !== 'absent') return undefined;
  return verdict('False', 'Founding', 'the keyfile of the members is made', {
    actions: [{ type: 'createKeyfile', stack: seen.stack }],
  });
}

function theFirstMemberIsNotReached(seen: MongodbObservation, identity: Initiating): DatabaseVerdict | undefined {
  const firstMember = firstMemberOf(seen);
  if (firstMember && isAnswering(firstMember) && addressOf(firstMember)) return undefined;
  return founding(seen, identity, 'the pod of the founder is starting');
}

/** A claim beside the founder's is a sign of an earlier life: as long as its content is unknown nothing is founded. */
function anotherVolumeMightHoldData(seen: MongodbObservation, identity: Initiating): DatabaseVerdict | undefined {
  const doubtful = seen.members.find(
    (member) => member.ordinal > 0 && member.claim !== undefined && !isHeldEmpty(member),
  );
  return (
    doubtful &&
    founding(seen, identity, `before anything is founded, ${doubtful.name} has to say what its volume holds`)
  );
}

/** Neither fresh nor marked for this founding: whatever it was, no new database begins on it. */
function theFirstVolumeIsForeign(seen: MongodbObservation, identity: Initiating): DatabaseVerdict | undefined {
  const firstMember = firstMemberOf(seen);
  if (!firstMember || !isAnswering(firstMember)) return undefined;
  const { volume, replicaSet } = firstMember.agent;
  if (replicaSet.state !== 'notInitialized' && !isHeldEmpty(firstMember)) return undefined;
  const mayFound = isMarkedFor(identity, volume) || (isUnmarked(volume) && isHeldEmpty(firstMember));
  if (mayFound) return undefined;
  const claim = claimName(seen.stack, 0);
  const was = volume.replicaSetId === undefined ? `claim ${volume.pvcUid ?? 'unknown'}` : `set ${volume.replicaSetId}`;
  return verdict(
    'False',
    'ForeignData',
    `the volume of ${firstMember.name} belonged to ${was} before, not to claim ${identity.firstMemberClaimUid}; nothing is founded ` +
      `on it. To begin on an empty one: kubectl -n ${namespaceOf(seen.stack)} delete pvc/${claim} pod/${firstMember.name}`,
  );
}

function isMarkedFor({ firstMemberClaimUid }: Initiating, { pvcUid, replicaSetId }: Volume): boolean {
  return pvcUid === firstMemberClaimUid && replicaSetId === undefined;
}

function isUnmarked({ pvcUid, replicaSetId }: Volume): boolean {
  return pvcUid === undefined && replicaSetId === undefined;
}

function theFirstMemberIsHeld(seen: MongodbObservation, identity: Initiating): DatabaseVerdict | undefined {
  const firstMember = firstMemberOf(seen);
  const at = firstMember && addressOf(firstMember);
  if (!firstMember || !at || !isHeldEmpty(firstMember) || isTerminating(firstMember)) return undefined;
  const pvcUid = identity.firstMemberClaimUid;
  return founding(seen, identity, `mongod of ${firstMember.name} is released`, [
    { type: 'release', stack: seen.stack, member: at, pvcUid },
  ]);
}

function theFirstMemberIsEmpty(seen: MongodbObservation, identity: Initiating): DatabaseVerdict | undefined {
  const firstMember = firstMemberOf(seen);
  const at = firstMember && addressOf(firstMember);
  if (!firstMember || !at || !isAnswering(firstMember)) return undefined;
  const { replicaSet, volume } = firstMember.agent;
  if (replicaSet.state !== 'notInitialized' || volume.pvcUid !== identity.firstMemberClaimUid) return undefined;
  return founding(seen, identity, `the set is founded on ${firstMember.name}`, [
    { type: 'initiate', stack: seen.stack, member: at, pvcUid: identity.firstMemberClaimUid },
  ]);
}

function founding(
  seen: MongodbObservation,
  identity: Initiating,
  ...[message, actions = []]: [message: string, actions?: DatabaseVerdict['actions']]
): DatabaseVerdict {
  const trouble = diagnosisOf(seen);
  // Beside the founder only members whose volumes must be looked into: a fresh set grows once it is founded.
  const last = Math.max(0, ...seen.members.filter(({ claim }) => claim).map(({ ordinal }) => ordinal));
  const all = [...desiredObjects(seen, { version: identity.version, replicas: last + 1 }), ...actions];
  return verdict('False', trouble?.reason ?? 'Founding', trouble?.message ?? message, { actions: all });
}

function firstMemberOf({ members }: MongodbObservation): Member | undefined {
  return members.find(({ ordinal }) => ordinal === 0);
}

export function whereToLook({ stack }: MongodbObservation): string {
  return `kubectl -n ${namespaceOf(stack)} get pods,pvc -l authstack.dev/stack=${stack.metadata.name}`;
}
