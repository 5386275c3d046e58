import type { Volume } from '@authstack/mongodb-agent/api';
import { namespaceOf } from '../api/names.ts';
import { persistentVolumeClaimKind } from '../runtime/core-kinds.ts';
import { changeIdentity, createIdentity } from './identity.ts';
import { findSet, makeIdentityAgain } from './found-set.ts';
import { keyfileLost, recoverKeyfile } from './founded.ts';
import { claimName, isAnswering, isBeingDeleted, isEnding, isHeldEmpty, reached } from './members.ts';
import { standing } from './standing.ts';
import { says } from './step.ts';
import type { Step } from './step.ts';
import { hasStarted, theVolumeIsBeingDeleted, troubleOf } from './trouble.ts';
import type { Member, MongodbObservation, SeenIdentity } from './types.ts';
import { memberClaim } from './volumes.ts';

type Founding = Extract<SeenIdentity, { state: 'founding' }>;
type Rule = (seen: MongodbObservation, identity: Founding) => Step | undefined;

/**
 * A set is founded once. Nothing in it is acknowledged to anybody before its id stands in the identity Secret, so until
 * then everything may be done again; and nothing is founded while another volume might hold a set already.
 */
const rules: readonly Rule[] = [
  aMemberHasASetAlready,
  anotherVersionIsAskedFor,
  theFounderHasNoVolume,
  theFoundersVolumeIsBeingDeleted,
  theFounderGotAnotherVolume,
  theKeyfileIsLost,
  theKeyfileIsNotThere,
  theFounderIsNotReached,
  anotherVolumeMightHoldData,
  theFoundersVolumeIsNotItsOwn,
  theFounderIsHeld,
  theFounderIsEmpty,
];

/** Before there is an identity: the volume of the founder, then the identity that names it. */
export function beginFounding(seen: MongodbObservation): Step {
  const { stack, images } = seen;
  const found = findSet(seen);
  // What an earlier life of the stack leaves behind must be gone before the next begins.
  const [going] = seen.members
    .map((member) => theVolumeIsBeingDeleted(member, seen))
    .filter((one) => one !== undefined);
  if (going) return says('False', going.reason, going.message);
  if (found.state === 'several') return found.step;
  if (found.state === 'one') return makeIdentityAgain(seen, found);
  const version = stack.spec.mongodb.version ?? images.defaultVersion;
  const claim = seen.members[0]?.claim;
  if (claim?.metadata.uid === undefined) {
    const name = claimName(stack, 0);
    return says('False', 'Founding', `PersistentVolumeClaim ${name} is made, on which the database will be founded`, {
      actions: [{ type: 'create', kind: persistentVolumeClaimKind, object: memberClaim(stack, 0) }],
    });
  }
  const facts = {
    ...{ state: 'founding', 'founder-pvc-uid': claim.metadata.uid, version },
    ...{ 'next-member-id': '1', 'adopted-by': stack.metadata.uid ?? '' },
  };
  return says('False', 'Founding', `the database will be founded on ${claim.metadata.name}`, {
    actions: [createIdentity(stack, facts)],
  });
}

export function planFounding(seen: MongodbObservation, identity: Founding): Step {
  for (const rule of rules) {
    const step = rule(seen, identity);
    if (step) return step;
  }
  return founding(seen, identity, 'mongod of the founder is starting');
}

function aMemberHasASetAlready(seen: MongodbObservation, identity: Founding): Step | undefined {
  const found = findSet(seen);
  if (found.state === 'none') return undefined;
  if (found.state === 'several') return found.step;
  return says('False', 'Founding', `the set is ${found.by.set.replicaSetId}`, {
    actions: [changeIdentity(seen.stack, identity, found.facts)],
  });
}

/** Nothing is on the volumes until a mongod has run, so what was asked for first may have been a slip. */
function anotherVersionIsAskedFor({ stack, members }: MongodbObservation, identity: Founding): Step | undefined {
  const { version = identity.version } = stack.spec.mongodb;
  if (version === identity.version || members.some(mayHaveRun)) return undefined;
  const message = `the database will be founded with MongoDB ${version} instead of ${identity.version}`;
  return says('False', 'Founding', message, { actions: [changeIdentity(stack, identity, { version })] });
}

/** A mongod whose agent is silent may be founding the set in this moment. */
function mayHaveRun({ agent, pod }: Member): boolean {
  if (agent === 'unknown') return pod !== undefined && hasStarted(pod);
  return agent.volume.state !== 'empty' || agent.gate === 'released' || agent.mongod.state !== 'down';
}

function theFounderHasNoVolume(seen: MongodbObservation): Step | undefined {
  if (founderOf(seen)?.claim) return undefined;
  return says('False', 'Founding', `PersistentVolumeClaim ${claimName(seen.stack, 0)} is made anew`, {
    actions: [{ type: 'create', kind: persistentVolumeClaimKind, object: memberClaim(seen.stack, 0) }],
  });
}

function theFoundersVolumeIsBeingDeleted(seen: MongodbObservation, identity: Founding): Step | undefined {
  if (!isBeingDeleted(founderOf(seen)?.claim)) return undefined;
  return founding(seen, identity, 'the volume of the founder is being deleted');
}

/** The claim was deleted while the database was being founded; nothing had been promised to anybody. */
function theFounderGotAnotherVolume(seen: MongodbObservation, identity: Founding): Step | undefined {
  const claim = founderOf(seen)?.claim;
  const uid = claim?.metadata.uid;
  if (claim === undefined || uid === undefined || uid === identity.founderClaimUid) return undefined;
  return says(
    'False',
    'Founding',
    `the founder's volume was replaced by another; the database will be founded on that`,
    {
      actions: [changeIdentity(seen.stack, identity, { 'founder-pvc-uid': uid })],
    },
  );
}

/** No pod starts without the keyfile, so a pod that runs had one, and its mongod may hold data. */
function theKeyfileIsLost(seen: MongodbObservation): Step | undefined {
  const { stack, keyfile, members } = seen;
  const hadOne = members.some(({ pod }) => pod?.status?.initContainerStatuses?.some(({ started }) => started === true));
  if (keyfile.state !== 'absent' || !hadOne) return undefined;
  return recoverKeyfile(seen) ?? says('False', 'KeyfileLost', keyfileLost(stack));
}

function theKeyfileIsNotThere(seen: MongodbObservation): Step | undefined {
  if (seen.keyfile.state !== 'absent') return undefined;
  return says('False', 'Founding', 'the keyfile of the members is made', {
    actions: [{ type: 'createKeyfile', stack: seen.stack }],
  });
}

function theFounderIsNotReached(seen: MongodbObservation, identity: Founding): Step | undefined {
  const founder = founderOf(seen);
  if (founder && isAnswering(founder) && reached(founder)) return undefined;
  return founding(seen, identity, 'the pod of the founder is starting');
}

/** A claim beside the founder's is a sign of an earlier life: as long as its content is unknown nothing is founded. */
function anotherVolumeMightHoldData(seen: MongodbObservation, identity: Founding): Step | undefined {
  const doubtful = seen.members.find(
    (member) => member.ordinal > 0 && member.claim !== undefined && !isHeldEmpty(member),
  );
  return (
    doubtful &&
    founding(seen, identity, `before anything is founded, ${doubtful.name} has to say what its volume holds`)
  );
}

/** Neither fresh nor marked for this founding: whatever it was, no new database begins on it. */
function theFoundersVolumeIsNotItsOwn(seen: MongodbObservation, identity: Founding): Step | undefined {
  const founder = founderOf(seen);
  if (!founder || !isAnswering(founder)) return undefined;
  const { volume, replicaSet } = founder.agent;
  if (replicaSet.state !== 'notInitialized' && !isHeldEmpty(founder)) return undefined;
  const mayFound = isMarkedFor(identity, volume) || (isUnmarked(volume) && isHeldEmpty(founder));
  if (mayFound) return undefined;
  const claim = claimName(seen.stack, 0);
  const was = volume.replicaSetId === undefined ? `claim ${volume.pvcUid ?? 'unknown'}` : `set ${volume.replicaSetId}`;
  return says(
    'False',
    'ForeignData',
    `the volume of ${founder.name} belonged to ${was} before, not to claim ${identity.founderClaimUid}; nothing is founded ` +
      `on it. To begin on an empty one: kubectl -n ${namespaceOf(seen.stack)} delete pvc/${claim} pod/${founder.name}`,
  );
}

function isMarkedFor({ founderClaimUid }: Founding, { pvcUid, replicaSetId }: Volume): boolean {
  return pvcUid === founderClaimUid && replicaSetId === undefined;
}

function isUnmarked({ pvcUid, replicaSetId }: Volume): boolean {
  return pvcUid === undefined && replicaSetId === undefined;
}

function theFounderIsHeld(seen: MongodbObservation, identity: Founding): Step | undefined {
  const founder = founderOf(seen);
  const at = founder && reached(founder);
  if (!founder || !at || !isHeldEmpty(founder) || isEnding(founder)) return undefined;
  const pvcUid = identity.founderClaimUid;
  return founding(seen, identity, `mongod of ${founder.name} is released`, [
    { type: 'release', stack: seen.stack, member: at, pvcUid },
  ]);
}

function theFounderIsEmpty(seen: MongodbObservation, identity: Founding): Step | undefined {
  const founder = founderOf(seen);
  const at = founder && reached(founder);
  if (!founder || !at || !isAnswering(founder)) return undefined;
  const { replicaSet, volume } = founder.agent;
  if (replicaSet.state !== 'notInitialized' || volume.pvcUid !== identity.founderClaimUid) return undefined;
  return founding(seen, identity, `the set is founded on ${founder.name}`, [
    { type: 'initiate', stack: seen.stack, member: at, pvcUid: identity.founderClaimUid },
  ]);
}

function founding(
  seen: MongodbObservation,
  identity: Founding,
  ...[message, actions = []]: [message: string, actions?: Step['actions']]
): Step {
  const trouble = troubleOf(seen);
  // Beside the founder only members whose volumes must be looked into: a fresh set grows once it is founded.
  const last = Math.max(0, ...seen.members.filter(({ claim }) => claim).map(({ ordinal }) => ordinal));
  const all = [...standing(seen, { version: identity.version, replicas: last + 1 }), ...actions];
  return says('False', trouble?.reason ?? 'Founding', trouble?.message ?? message, { actions: all });
}

function founderOf({ members }: MongodbObservation): Member | undefined {
  return members.find(({ ordinal }) => ordinal === 0);
}

export function whereToLook({ stack }: MongodbObservation): string {
  return `kubectl -n ${namespaceOf(stack)} get pods,pvc -l authstack.dev/stack=${stack.metadata.name}`;
}
