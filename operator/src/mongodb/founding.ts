import { namespaceOf } from '../api/names.ts';
import { persistentVolumeClaimKind } from '../runtime/core-kinds.ts';
import { changeIdentity, createIdentity } from './identity.ts';
import { claimName, initializedMembers, isAnswering, isHeldEmpty, reached } from './members.ts';
import { standing } from './standing.ts';
import { says } from './step.ts';
import type { Step } from './step.ts';
import { troubleOf } from './trouble.ts';
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
  theFounderHasNoVolume,
  theFounderGotAnotherVolume,
  theKeyfileIsNotThere,
  theFounderIsNotReached,
  anotherVolumeMightHoldData,
  theFounderIsHeld,
  theFounderIsEmpty,
];

/** Before there is an identity: the volume of the founder, then the identity that names it. */
export function beginFounding(seen: MongodbObservation): Step {
  const { stack, images } = seen;
  const version = stack.spec.mongodb.version ?? images.defaultVersion;
  // An identity that was lost is made again from what a member says.
  const [initialized] = initializedMembers(seen.members);
  if (initialized) {
    const { replicaSetId } = initialized.set;
    const facts = { state: 'founded', 'replica-set-id': replicaSetId, version, formed: 'yes', ...idsAbove(seen) };
    return says('False', 'Founding', `the identity was lost; ${initialized.name} says the set is ${replicaSetId}`, {
      actions: [createIdentity(stack, facts)],
    });
  }
  const claim = seen.members[0]?.claim;
  if (claim?.metadata.uid === undefined) {
    const name = claimName(stack, 0);
    return says('False', 'Founding', `PersistentVolumeClaim ${name} is made, on which the database will be founded`, {
      actions: [{ type: 'create', kind: persistentVolumeClaimKind, object: memberClaim(stack, 0) }],
    });
  }
  const facts = { state: 'founding', 'founder-pvc-uid': claim.metadata.uid, version, 'next-member-id': '1' };
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
  const found = initializedMembers(seen.members);
  const ids = new Set(found.map(({ set }) => set.replicaSetId));
  const [id] = ids;
  if (id === undefined) return undefined;
  if (ids.size > 1) {
    const names = found.map(({ name, set }) => `${name} belongs to ${set.replicaSetId}`).join(', ');
    return says(
      'False',
      'ForeignData',
      `the volumes hold different databases (${names}); keep the claims of one set and delete the others`,
    );
  }
  return says('False', 'Founding', `the set is ${id}`, {
    actions: [changeIdentity(seen.stack, identity, { state: 'founded', 'replica-set-id': id, ...idsAbove(seen) })],
  });
}

function theFounderHasNoVolume(seen: MongodbObservation): Step | undefined {
  if (founderOf(seen)?.claim) return undefined;
  return says('False', 'Founding', `PersistentVolumeClaim ${claimName(seen.stack, 0)} is made anew`, {
    actions: [{ type: 'create', kind: persistentVolumeClaimKind, object: memberClaim(seen.stack, 0) }],
  });
}

/** The claim was deleted while the database was being founded; nothing had been promised to anybody. */
function theFounderGotAnotherVolume(seen: MongodbObservation, identity: Founding): Step | undefined {
  const claim = founderOf(seen)?.claim;
  const uid = claim?.metadata.uid;
  if (claim === undefined || uid === undefined || uid === identity.founderClaimUid) return undefined;
  if (claim.metadata.deletionTimestamp !== undefined) return undefined;
  return says(
    'False',
    'Founding',
    `the founder's volume was replaced by another; the database will be founded on that`,
    {
      actions: [changeIdentity(seen.stack, identity, { 'founder-pvc-uid': uid })],
    },
  );
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

function theFounderIsHeld(seen: MongodbObservation, identity: Founding): Step | undefined {
  const founder = founderOf(seen);
  const at = founder && reached(founder);
  if (!founder || !at || !isHeldEmpty(founder)) return undefined;
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
  if (replicaSet.state !== 'notInitialized') return undefined;
  if (volume.pvcUid !== identity.founderClaimUid) {
    const message = `the volume of ${founder.name} was released for claim ${volume.pvcUid ?? 'none'}, not for ${identity.founderClaimUid}`;
    return says(
      'False',
      'ForeignData',
      `${message}; nothing is founded on it. Delete claim and pod to begin on an empty one`,
    );
  }
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

function idsAbove({ members }: MongodbObservation): { 'next-member-id': string } {
  const ids = initializedMembers(members).flatMap(({ set }) => set.config.members.map(({ _id }) => _id));
  return { 'next-member-id': String(Math.max(0, ...ids) + 1) };
}

export function whereToLook({ stack }: MongodbObservation): string {
  return `kubectl -n ${namespaceOf(stack)} get pods,pvc -l authstack.dev/stack=${stack.metadata.name}`;
}
