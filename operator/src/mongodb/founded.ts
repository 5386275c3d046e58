import { namesOf, namespaceOf } from '../api/names.ts';
import type { ReportedEvent } from '../runtime/reconciler.ts';
import { changeIdentity } from './identity.ts';
import { claimName, initializedMembers, isAnswering, isHeldEmpty, isVoter, primaryOf, reached } from './members.ts';
import { nextMembershipChange } from './membership.ts';
import type { MembershipChange } from './membership.ts';
import { byNewestConfig, healthOf, majorityOf, viewOf, whoDoesNotServe } from './serving.ts';
import type { View } from './serving.ts';
import { standing } from './standing.ts';
import { says, stateOf } from './step.ts';
import type { Step } from './step.ts';
import { troubleOf } from './trouble.ts';
import type { Member, MongodbAction, MongodbObservation, SeenIdentity } from './types.ts';

type Founded = Extract<SeenIdentity, { state: 'founded' }>;
type Rule = (seen: MongodbObservation, identity: Founded) => Step | undefined;

/** First what forbids to start anything, then what keeps the members from serving, then what they lack. */
const rules: readonly Rule[] = [
  theVersionIsAnother,
  aMemberWouldBeLeftOut,
  theKeyfileIsLost,
  aMemberBelongsToAnotherSet,
  aCredentialIsNotStored,
  theLossIsAccepted,
  aMajorityOfDisksIsEmpty,
  noPrimaryIsSeen,
  theUsersAreNotInTheDatabase,
];

export function planFounded(seen: MongodbObservation, identity: Founded): Step {
  for (const rule of rules) {
    const step = rule(seen, identity);
    if (step) return step;
  }
  return planServing(seen, identity);
}

/** A stack that was deleted and made again takes up the old volumes only if it asks for what is on them. */
function theVersionIsAnother({ stack }: MongodbObservation, identity: Founded): Step | undefined {
  const { version } = stack.spec.mongodb;
  if (version === undefined || version === identity.version) return undefined;
  return says(
    'False',
    'AdoptionRefused',
    `the stored database is of version ${identity.version}; set spec.mongodb.version: "${identity.version}"`,
  );
}

/** A minority of the members must not start alone. */
function aMemberWouldBeLeftOut({ stack, members }: MongodbObservation): Step | undefined {
  const wanted = stack.spec.mongodb.members;
  const further = members.filter(({ ordinal, claim }) => claim !== undefined && ordinal >= wanted);
  if (further.length === 0) return undefined;
  const claims = further.map(({ ordinal }) => claimName(stack, ordinal)).join(', ');
  return says(
    'False',
    'AdoptionRefused',
    `the stored database has further members (PersistentVolumeClaims ${claims}); set spec.mongodb.members: 3`,
  );
}

function theKeyfileIsLost({ stack, keyfile }: MongodbObservation): Step | undefined {
  return keyfile.state === 'present' ? undefined : says('False', 'KeyfileLost', keyfileLost(stack));
}

export function keyfileLost(stack: MongodbObservation['stack']): string {
  const { keyfile: name, mongodb } = namesOf(stack.metadata.name);
  return (
    `Secret ${name} is gone, and with it the members' way to each other; restore it from a backup, or from a member ` +
    `that still runs: kubectl -n ${namespaceOf(stack)} exec ${mongodb}-0 -c mongod -- cat /etc/mongodb/keyfile/keyfile`
  );
}

function aMemberBelongsToAnotherSet({ stack, members }: MongodbObservation, identity: Founded): Step | undefined {
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
function aCredentialIsNotStored(seen: MongodbObservation): Step | undefined {
  const { stack, rootUser, authUser } = seen;
  const actions: MongodbAction[] = [];
  if (rootUser.state === 'absent') actions.push({ type: 'createUser', stack, user: 'root' });
  if (authUser.state === 'absent') actions.push({ type: 'createUser', stack, user: 'auth' });
  if (authUser.state === 'present' && authUser.isCurrent === false) actions.push({ type: 'refreshUri', stack });
  if (actions.length === 0) return undefined;
  return says('False', 'CreatingUsers', 'the credentials of the database are stored', { actions });
}

const ACCEPT_DATA_LOSS = 'authstack.dev/accept-data-loss';

/** Somebody who knows the set's id says that its data may be given up; even so only where no volume holds any. */
function theLossIsAccepted(seen: MongodbObservation, identity: Founded): Step | undefined {
  const { stack, members } = seen;
  if (stack.metadata.annotations?.[ACCEPT_DATA_LOSS] !== identity.replicaSetId) return undefined;
  const uid = members[0]?.claim?.metadata.uid;
  if (uid === undefined || !members.every(isHeldEmpty)) return undefined;
  const afresh = { 'replica-set-id': '', credentials: '', formed: '', 'next-member-id': '1' };
  return says('False', 'Founding', `the loss of replica set ${identity.replicaSetId} was accepted; a new one begins`, {
    actions: [changeIdentity(stack, identity, { ...afresh, state: 'founding', 'founder-pvc-uid': uid })],
  });
}

function aMajorityOfDisksIsEmpty(seen: MongodbObservation, identity: Founded): Step | undefined {
  const empty = seen.members.filter(isHeldEmpty);
  if (empty.length === 0 || !isMajorityLost(seen, identity, empty)) return undefined;
  const { name, namespace } = { name: seen.stack.metadata.name, namespace: namespaceOf(seen.stack) };
  const names = empty.map((member) => member.name).join(', ');
  const survivors = seen.members.filter((member) => !isHeldEmpty(member)).map((member) => member.name);
  const first =
    survivors.length === 0 ? '' : `save what ${survivors.join(', ')} still holds, delete claim and pod of it, and `;
  return says(
    'False',
    'DataLossSuspected',
    `the volumes of ${names} are empty although replica set ${identity.replicaSetId} was founded on them; nothing is ` +
      `started anew. Bring back the volumes that belong to the claims (kubectl get pv). If they are lost for good: ${first}` +
      `kubectl -n ${namespace} annotate authstack ${name} ${ACCEPT_DATA_LOSS}=${identity.replicaSetId}`,
    { actions: standingMembers(seen, identity) },
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

function noPrimaryIsSeen(seen: MongodbObservation, identity: Founded): Step | undefined {
  if (viewOf(seen, identity)) return undefined;
  const actions = standingMembers(seen, identity);
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

function theUsersAreNotInTheDatabase(seen: MongodbObservation, identity: Founded): Step | undefined {
  const primary = primaryOf(seen.members);
  const member = primary && reached(primary);
  const wanted = credentialsOf(seen);
  if (!primary || !member || identity.credentials === wanted) return undefined;
  const then = changeIdentity(seen.stack, identity, { credentials: wanted });
  return says('False', 'CreatingUsers', `the users of the database are created on ${primary.name}`, {
    actions: [...standingMembers(seen, identity), { type: 'ensureUsers', stack: seen.stack, member, then }],
  });
}

/** Names the stored credentials by their versions, so that any change of them is carried into the database. */
function credentialsOf({ rootUser, authUser }: MongodbObservation): string {
  const version = (secret: MongodbObservation['rootUser']): string =>
    secret.state === 'present' ? secret.resourceVersion : secret.state;
  return `root@${version(rootUser)} auth@${version(authUser)}`;
}

function planServing(seen: MongodbObservation, identity: Founded): Step {
  const view = viewOf(seen, identity);
  // The rules before have answered already where there is none.
  if (!view) return says('False', 'NoPrimary', 'no member is primary');
  const primary = primaryOf(seen.members);
  const change = primary && nextMembershipChange(seen, identity, primary);
  const health = healthOf(seen, identity, { view, doing: change?.why });
  const { actions, events } = change ? { ...change, events: eventsOf(change) } : marks(seen, identity, view);
  return { ...health, actions: [...standingMembers(seen, identity), ...actions], events };
}

/** Once whole, always offered: later losses are told as what they are. */
function marks(seen: MongodbObservation, identity: Founded, view: View): Required<Pick<Step, 'actions' | 'events'>> {
  const isFormed = view.seenBy.host === view.primaryHost && whoDoesNotServe(seen, view).length === 0;
  if (!isFormed || identity.formed) return { actions: [], events: [] };
  return { actions: [changeIdentity(seen.stack, identity, { formed: 'yes' })], events: [] };
}

function eventsOf({ actions, why }: MembershipChange): readonly ReportedEvent[] {
  if (!actions.some(({ type }) => type === 'reconfigure')) return [];
  return [{ type: 'Normal', reason: 'MembershipChanges', message: why }];
}

function standingMembers(seen: MongodbObservation, identity: Founded): readonly MongodbAction[] {
  return standing(seen, { version: identity.version, replicas: seen.stack.spec.mongodb.members });
}
