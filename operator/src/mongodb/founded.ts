import { namesOf, namespaceOf } from '../api/names.ts';
import { persistentVolumeClaimKind } from '../runtime/core-kinds.ts';
import { aMemberIsFenced, aMemberIsUnfenced } from './fencing.ts';
import { aVolumeIsNearlyFull, nextGrowth } from './growth.ts';
import { changeIdentity } from './identity.ts';
import {
  claimName,
  initializedMembers,
  isAnswering,
  isBeingDeleted,
  isHeldEmpty,
  isVoter,
  primaryOf,
  reached,
  targetOf,
} from './members.ts';
import { nextMembershipChange } from './membership.ts';
import { nextRebuildStep } from './rebuild.ts';
import { recordToMake } from './record.ts';
import { annotations, requestMisfit } from './requests.ts';
import { membersToRestart, nextRestart } from './restart.ts';
import { byNewestConfig, healthOf, majorityOf, membersOf, viewOf, whoDoesNotServe } from './serving.ts';
import type { Note, View } from './serving.ts';
import { situationOf } from './situation.ts';
import type { Change, Situation } from './situation.ts';
import { standing } from './standing.ts';
import { says, stateOf } from './step.ts';
import type { Step } from './step.ts';
import { troubleOf } from './trouble.ts';
import type { Founded, Member, MongodbAction, MongodbObservation } from './types.ts';
import { membersTemplate } from './updates.ts';
import { nextCompatibility, versionTarget, versionsOn } from './version.ts';
import type { VersionTarget } from './version.ts';

/** What the rules look at: members that left the set and whose volumes are still there are none of it. */
interface Scene {
  readonly seen: MongodbObservation;
  readonly identity: Founded;
  readonly leftBehind: readonly Member[];
  readonly target: VersionTarget;
}

type Rule = (scene: Scene) => Step | undefined;

/** First what forbids to start anything, then what keeps the members from serving, then what they lack. */
const rules: readonly Rule[] = [
  anotherStackAdopts,
  theKeyfileIsLost,
  aMemberBelongsToAnotherSet,
  aCredentialIsNotStored,
  theMembersHibernate,
  theLossIsAccepted,
  aMajorityOfDisksIsEmpty,
  aMemberIsToBeUnfenced,
  noPrimaryIsSeen,
  theUsersAreNotInTheDatabase,
];

export function planFounded(all: MongodbObservation, identity: Founded): Step {
  const count = membersOf(all, identity);
  const seen = { ...all, members: all.members.filter(({ ordinal }) => ordinal < count) };
  const leftBehind = all.members.filter(({ ordinal }) => ordinal >= count);
  const view = viewOf(seen, identity);
  const isWhole = view !== undefined && whoDoesNotServe(seen, view).length === 0;
  const scene = { seen, identity, leftBehind, target: versionTarget(seen, identity, { isWhole }) };
  for (const rule of rules) {
    const step = rule(scene);
    if (step) return step;
  }
  return planServing(scene, view);
}

/** A stack that was deleted and made again takes up the old volumes only if it asks for what is on them. */
function anotherStackAdopts({ seen: { stack }, identity }: Scene): Step | undefined {
  const uid = stack.metadata.uid ?? '';
  if (identity.adoptedBy === uid) return undefined;
  const { version, members } = stack.spec.mongodb;
  const { version: stored, featureCompatibilityVersion } = identity;
  if (version !== undefined && !versionsOn(featureCompatibilityVersion).includes(version)) {
    return says(
      'False',
      'AdoptionRefused',
      `the stored database is of version ${stored}; set spec.mongodb.version: "${stored}"`,
    );
  }
  if (members < identity.members) {
    return says(
      'False',
      'AdoptionRefused',
      `the stored database has ${identity.members} members, and fewer might lack what was written; set ` +
        `spec.mongodb.members: ${identity.members}, and lower it once they serve`,
    );
  }
  return says('False', 'Starting', `the stored database (replica set ${identity.replicaSetId}) is taken up`, {
    actions: [changeIdentity(stack, identity, { 'adopted-by': uid })],
  });
}

/** What a member has read of it is as good as the Secret. */
function theKeyfileIsLost({ seen }: Scene): Step | undefined {
  const { stack, keyfile } = seen;
  if (keyfile.state === 'present') return undefined;
  return recoverKeyfile(seen) ?? says('False', 'KeyfileLost', keyfileLost(stack));
}

/** Only what a mongod runs with can be right. */
export function recoverKeyfile({ stack, members }: MongodbObservation): Step | undefined {
  const member = members.find((one) => isAnswering(one) && one.agent.mongod.state === 'answers');
  const at = member && reached(member);
  if (!member || !at) return undefined;
  const { keyfile } = namesOf(stack.metadata.name);
  return says('False', 'Starting', `Secret ${keyfile} is gone and made again from what ${member.name} runs with`, {
    actions: [{ type: 'recoverKeyfile', stack, member: at }],
    events: [
      {
        type: 'Warning',
        reason: 'KeyfileRecovered',
        message: `Secret ${keyfile} was gone; ${member.name} has its content`,
      },
    ],
  });
}

export function keyfileLost(stack: MongodbObservation['stack']): string {
  const { keyfile: name, mongodb } = namesOf(stack.metadata.name);
  return (
    `Secret ${name} is gone, and with it the members' way to each other, and no member that runs answers; restore it from ` +
    `a backup, or from a member: kubectl -n ${namespaceOf(stack)} exec ${mongodb}-0 -c mongod -- cat /gate/keyfile`
  );
}

function aMemberBelongsToAnotherSet({ seen: { stack, members }, identity }: Scene): Step | undefined {
  const foreign = initializedMembers(members).find(({ set }) => set.replicaSetId !== identity.replicaSetId);
  if (!foreign) return undefined;
  return says(
    'False',
    'ForeignData',
    `${foreign.name} holds replica set ${foreign.set.replicaSetId}, this stack's is ${identity.replicaSetId}; nothing is ` +
      `changed. Give it the right volume, or delete claim and pod to have it copy the data: kubectl -n ${namespaceOf(stack)} ` +
      `delete pvc/${claimName(stack, foreign.ordinal)} pod/${foreign.name}`,
  );
}

/** Stored first, then created in the database: a password that only the database knows helps nobody. */
function aCredentialIsNotStored({ seen }: Scene): Step | undefined {
  const { stack, rootUser, authUser } = seen;
  const actions: MongodbAction[] = [];
  if (rootUser.state === 'absent') actions.push({ type: 'createUser', stack, user: 'root' });
  if (authUser.state === 'absent') actions.push({ type: 'createUser', stack, user: 'auth' });
  if (authUser.state === 'present' && authUser.isCurrent === false) actions.push({ type: 'refreshUri', stack });
  if (actions.length === 0) return undefined;
  return says('False', 'CreatingUsers', 'the credentials of the database are stored', { actions });
}

/** Everything stays, and nothing runs. */
function theMembersHibernate({ seen, identity }: Scene): Step | undefined {
  const { stack, members } = seen;
  if (!stack.spec.mongodb.hibernate) return undefined;
  const running = members.filter(({ pod }) => pod).map(({ name }) => name);
  const how = running.length === 0 ? 'no member runs' : `${running.join(', ')} still end`;
  return says(
    'False',
    'Hibernated',
    `${how}; the volumes are kept. To wake the database: spec.mongodb.hibernate: false`,
    {
      actions: standing(seen, { version: identity.version, replicas: 0 }),
    },
  );
}

/** Somebody who knows the set's id says that its data may be given up; even so only where no volume holds any. */
function theLossIsAccepted({ seen, identity, leftBehind }: Scene): Step | undefined {
  const { stack, members } = seen;
  if (stack.metadata.annotations?.[annotations.acceptDataLoss] !== identity.replicaSetId) return undefined;
  const uid = members[0]?.claim?.metadata.uid;
  if (uid === undefined || leftBehind.length > 0 || !members.every(isHeldEmpty)) return undefined;
  const afresh = {
    ...{ 'replica-set-id': '', credentials: '', formed: '', 'next-member-id': '1' },
    ...{ members: '', 'feature-compatibility': '', 'upgraded-at': '', rebuilding: '', rebuilt: '' },
  };
  return says('False', 'Founding', `the loss of replica set ${identity.replicaSetId} was accepted; a new one begins`, {
    actions: [changeIdentity(stack, identity, { ...afresh, state: 'founding', 'founder-pvc-uid': uid })],
  });
}

function aMajorityOfDisksIsEmpty(scene: Scene): Step | undefined {
  const { seen, identity, leftBehind } = scene;
  const empty = seen.members.filter(isHeldEmpty);
  if (empty.length === 0 || !isMajorityLost(seen, identity, empty)) return undefined;
  const { name, namespace } = { name: seen.stack.metadata.name, namespace: namespaceOf(seen.stack) };
  const names = empty.map((member) => member.name).join(', ');
  const survivors = [...seen.members.filter((member) => !isHeldEmpty(member)), ...leftBehind].map(
    (member) => member.name,
  );
  const first =
    survivors.length === 0 ? '' : `save what ${survivors.join(', ')} still holds, delete claim and pod of it, and `;
  return says(
    'False',
    'DataLossSuspected',
    `the volumes of ${names} are empty although replica set ${identity.replicaSetId} was founded on them; nothing is ` +
      `started anew. Bring back the volumes that belong to the claims (kubectl get pv). If they are lost for good: ${first}` +
      `kubectl -n ${namespace} annotate authstack ${name} ${annotations.acceptDataLoss}=${identity.replicaSetId}`,
    { actions: standingMembers(scene) },
  );
}

/** Counted among the voters of the newest configuration that a member knows; where none knows one, among all. */
function isMajorityLost(seen: MongodbObservation, identity: Founded, empty: readonly Member[]): boolean {
  const own = initializedMembers(seen.members).filter(({ set }) => set.replicaSetId === identity.replicaSetId);
  const [witness] = own.toSorted(byNewestConfig);
  if (!witness) return seen.members.every(isHeldEmpty);
  const voters = witness.set.config.members.filter(isVoter);
  const lost = voters.filter(({ host }) => empty.some((member) => member.host === host));
  return voters.length - lost.length < majorityOf(voters.length);
}

function aMemberIsToBeUnfenced(scene: Scene): Step | undefined {
  const change = aMemberIsUnfenced(scene.seen, scene.identity);
  if (!change) return undefined;
  return says('False', 'Starting', change.why, { actions: [...standingMembers(scene), ...change.actions] });
}

function noPrimaryIsSeen(scene: Scene): Step | undefined {
  const { seen, identity } = scene;
  if (viewOf(seen, identity)) return undefined;
  const actions = standingMembers(scene);
  const trouble = troubleOf(seen);
  if (trouble) {
    // Nobody could be asked, so nothing is known; a member that answers and has no primary knows something.
    const status = trouble.reason === 'MembersUnreachable' && !seen.members.some(isAnswering) ? 'Unknown' : 'False';
    return says(status, trouble.reason, trouble.message, { actions });
  }
  if (!seen.members.some(isAnswering)) return says('False', 'Starting', 'the members are starting', { actions });
  const states = seen.members.map((member) => `${member.name}: ${stateOf(member)}`).join(', ');
  return says('False', 'NoPrimary', `no member is primary (${states}); an election needs a majority of them`, {
    actions,
  });
}

function theUsersAreNotInTheDatabase(scene: Scene): Step | undefined {
  const { seen, identity } = scene;
  const primary = primaryOf(seen.members);
  const member = primary && reached(primary);
  const wanted = credentialsOf(seen);
  if (!primary || !member || identity.credentials === wanted) return undefined;
  const then = changeIdentity(seen.stack, identity, { credentials: wanted });
  return says('False', 'CreatingUsers', `the users of the database are created on ${primary.name}`, {
    actions: [...standingMembers(scene), { type: 'ensureUsers', stack: seen.stack, member, then }],
  });
}

/** Names the stored credentials by their versions, so that any change of them is carried into the database. */
function credentialsOf({ rootUser, authUser }: MongodbObservation): string {
  const version = (secret: MongodbObservation['rootUser']): string =>
    secret.state === 'present' ? secret.resourceVersion : secret.state;
  return `root@${version(rootUser)} auth@${version(authUser)}`;
}

/** What is to be done next with a set that serves; each waits until the one before has nothing to do. */
const steps: readonly ((situation: Situation) => Change | undefined)[] = [
  nextRebuildStep,
  aMemberIsFenced,
  nextMembershipChange,
  nextRestart,
  nextCompatibility,
];

function planServing(scene: Scene, view: View | undefined): Step {
  const { seen, identity } = scene;
  // The rules before have answered already where there is none.
  if (!view) return says('False', 'NoPrimary', 'no member is primary');
  const situation = situationOf(seen, identity);
  const record = situation ? recordToMake(situation, versionOf(scene)) : {};
  const notes = notesOn(scene);
  if (Object.keys(record).length > 0) {
    const health = healthOf(seen, identity, { view, doing: undefined, notes });
    return { ...health, actions: [changeIdentity(seen.stack, identity, record), ...standingMembers(scene)] };
  }
  const change = situation && nextChange(situation);
  return {
    ...healthOf(seen, identity, { view, doing: change?.why, notes }),
    actions: [...standingMembers(scene), ...(change?.actions ?? []), ...volumesThatMayGo(scene)],
    events: change?.event ? [change.event] : [],
  };
}

/** The first step that can be done; the reasons of those that wait are told as well. */
function nextChange(situation: Situation): Change | undefined {
  const changes = steps.map((next) => next(situation)).filter((change) => change !== undefined);
  const acting = changes.find(({ actions }) => actions.length > 0);
  const told = [...changes.filter(({ actions }) => actions.length === 0), ...(acting ? [acting] : [])];
  if (told.length === 0) return undefined;
  return { actions: [], ...acting, why: told.map(({ why }) => why).join('; ') };
}

/** Under `Delete` a member that left takes its volume along, once no pod uses it. */
function volumesThatMayGo({ seen: { stack }, leftBehind }: Scene): readonly MongodbAction[] {
  if (stack.spec.deletionPolicy !== 'Delete') return [];
  return leftBehind.flatMap(({ claim, pod }) =>
    claim && !pod && !isBeingDeleted(claim)
      ? [{ type: 'delete', kind: persistentVolumeClaimKind, target: targetOf(claim) } as const]
      : [],
  );
}

function notesOn(scene: Scene): readonly Note[] {
  const { seen, target } = scene;
  const { stack } = seen;
  const misfit = requestMisfit(seen, scene.identity.rebuilt);
  const full = aVolumeIsNearlyFull(seen);
  const growth = nextGrowth(seen);
  const { pending } = membersTemplate(seen, target.version);
  const restarts = membersToRestart(seen).length;
  return [
    ...(target.refusal ? [target.refusal] : []),
    ...(misfit === undefined ? [] : [{ reason: 'RequestInvalid', message: misfit } as const]),
    ...(full === undefined ? [] : [{ reason: 'VolumeFull', message: full } as const]),
    ...(growth?.actions.length === 0 ? [{ reason: 'VolumeCannotGrow', message: growth.why } as const] : []),
    ...(pending === undefined ? [] : [{ reason: 'UpgradePending', message: waitingFor(stack, pending) } as const]),
    ...(restarts === 0
      ? []
      : [{ reason: 'UpgradePending', message: `${restarts} of them run an older template` } as const]),
  ];
}

function waitingFor({ metadata: { name, namespace = '' } }: MongodbObservation['stack'], pending: string): string {
  return (
    `a new template waits for your word, and restarts the members one by one: kubectl -n ${namespace} annotate ` +
    `--overwrite authstack ${name} ${annotations.update}=${pending}`
  );
}

/** Recorded first, so that what a pod may have started with is never unknown. */
function versionOf({ seen, identity, target }: Scene): string {
  return membersTemplate(seen, target.version).pending === undefined ? target.version : identity.version;
}

function standingMembers(scene: Scene): readonly MongodbAction[] {
  const { seen, identity, target } = scene;
  return standing(seen, { version: target.version, replicas: membersOf(seen, identity) });
}
