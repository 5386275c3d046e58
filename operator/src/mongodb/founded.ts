import { namesOf, namespaceOf } from '../api/names.ts';
import { changeIdentity } from './identity.ts';
import { claimName, initializedMembers, isAnswering, isHeldEmpty, isVoter, primaryOf, reached } from './members.ts';
import type { InitializedMember } from './members.ts';
import { healthyVoters, majorityOf, nextMembershipChange } from './membership.ts';
import { standing } from './standing.ts';
import { says } from './step.ts';
import type { Step } from './step.ts';
import { troubleOf } from './trouble.ts';
import type { Member, MongodbAction, MongodbObservation, SeenIdentity } from './types.ts';

type Founded = Extract<SeenIdentity, { state: 'founded' }>;
type Rule = (seen: MongodbObservation, identity: Founded) => Step | undefined;

/** First what forbids to start anything, then what keeps the members from serving, then what they lack. */
const rules: readonly Rule[] = [
  adoptionIsRefused,
  theKeyfileIsLost,
  aMemberBelongsToAnotherSet,
  aCredentialIsNotStored,
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
function adoptionIsRefused({ stack, members }: MongodbObservation, identity: Founded): Step | undefined {
  const { version, members: wanted } = stack.spec.mongodb;
  if (version !== undefined && version !== identity.version) {
    return says(
      'False',
      'AdoptionRefused',
      `the stored database is of version ${identity.version}; set spec.mongodb.version: "${identity.version}"`,
    );
  }
  const claimed = members.filter(({ claim }) => claim !== undefined).length;
  if (claimed <= wanted) return undefined;
  const names = members.filter(({ ordinal }) => ordinal >= wanted).map(({ ordinal }) => claimName(stack, ordinal));
  return says(
    'False',
    'AdoptionRefused',
    `the stored database has further members (${names.join(', ')}), and a minority of them must not start alone; set spec.mongodb.members: ${claimed}`,
  );
}

function theKeyfileIsLost({ stack, keyfile }: MongodbObservation): Step | undefined {
  if (keyfile.state === 'present') return undefined;
  const { keyfile: name, mongodb } = namesOf(stack.metadata.name);
  return says(
    'False',
    'KeyfileLost',
    `Secret ${name} is gone, and with it the members' way to each other; restore it from a backup, or from a member ` +
      `that still runs: kubectl -n ${namespaceOf(stack)} exec ${mongodb}-0 -c mongod -- cat /etc/mongodb/keyfile/keyfile`,
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
function aCredentialIsNotStored(seen: MongodbObservation, identity: Founded): Step | undefined {
  const { stack, rootUser, authUser } = seen;
  const actions: MongodbAction[] = [];
  if (rootUser.state === 'absent') actions.push({ type: 'createUser', stack, user: 'root' });
  if (authUser.state === 'absent') actions.push({ type: 'createUser', stack, user: 'auth' });
  if (authUser.isCurrent === false) actions.push({ type: 'refreshUri', stack });
  if (actions.length === 0) return undefined;
  return says('False', 'CreatingUsers', 'the credentials of the database are stored', {
    actions: [...members(seen, identity), ...actions],
  });
}

function aMajorityOfDisksIsEmpty(seen: MongodbObservation, identity: Founded): Step | undefined {
  const empty = seen.members.filter(isHeldEmpty);
  if (empty.length === 0 || !isMajorityLost(seen, empty)) return undefined;
  const names = empty.map(({ name }) => name).join(', ');
  return says(
    'False',
    'DataLossSuspected',
    `the volumes of ${names} are empty although replica set ${identity.replicaSetId} was founded on them; nothing is ` +
      `started anew. Bring back the volumes that belong to the claims (kubectl get pv), or delete the AuthStack and ` +
      `Secret ${namesOf(seen.stack.metadata.name).identity} to begin with an empty database`,
    { actions: members(seen, identity) },
  );
}

/** Counted among the voters that a member still knows; with no such member, among all that should be there. */
function isMajorityLost(seen: MongodbObservation, empty: readonly Member[]): boolean {
  const [witness] = initializedMembers(seen.members);
  if (!witness) {
    const wanted = seen.members.filter(({ ordinal }) => ordinal < seen.stack.spec.mongodb.members);
    return wanted.every(isHeldEmpty);
  }
  const voters = witness.set.config.members.filter(isVoter);
  const lost = voters.filter(({ host }) => empty.some((member) => member.host === host));
  return voters.length - lost.length < majorityOf(voters.length);
}

function noPrimaryIsSeen(seen: MongodbObservation, identity: Founded): Step | undefined {
  if (primaryOf(seen.members)) return undefined;
  const actions = members(seen, identity);
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
    actions: [...members(seen, identity), { type: 'ensureUsers', stack: seen.stack, member, then }],
  });
}

/** Names the stored credentials by their versions, so that any change of them is carried into the database. */
function credentialsOf({ rootUser, authUser }: MongodbObservation): string {
  const version = (secret: MongodbObservation['rootUser']): string =>
    secret.state === 'present' ? secret.resourceVersion : secret.state;
  return `root@${version(rootUser)} auth@${version(authUser)}`;
}

function planServing(seen: MongodbObservation, identity: Founded): Step {
  const primary = primaryOf(seen.members);
  // The rules before have answered already where there is none.
  if (!primary) return says('False', 'NoPrimary', 'no member is primary');
  const change = nextMembershipChange(seen, identity, primary);
  const missing = whoDoesNotServe(seen, primary);
  const done = missing.length === 0 && !change;
  const marks =
    done && identity.data['formed'] !== 'yes' ? [changeIdentity(seen.stack, identity, { formed: 'yes' })] : [];
  const actions = [...members(seen, identity), ...(change?.actions ?? []), ...marks];
  const events =
    change && !change.actions.every(({ type }) => type === 'release')
      ? [{ type: 'Normal', reason: 'MembershipChanges', message: change.why } as const]
      : [];
  return { ...health(seen, { identity, primary, missing, ...(change && { doing: change.why }) }), actions, events };
}

interface Health {
  readonly identity: Founded;
  readonly primary: InitializedMember;
  readonly missing: readonly string[];
  readonly doing?: string;
}

function health(seen: MongodbObservation, { identity, primary, missing, doing }: Health): Step {
  const wanted = seen.stack.spec.mongodb.members;
  const voters = primary.set.config.members.filter(isVoter);
  const healthy = healthyVoters(primary, voters);
  if (healthy < majorityOf(voters.length)) {
    return says(
      'False',
      'NoPrimary',
      `${primary.name} sees only ${healthy} of ${voters.length} voting members; ${missing.join('; ')}`,
    );
  }
  if (missing.length === 0) {
    return says('True', 'AllMembersHealthy', `all ${wanted} members serve; ${primary.name} is primary`);
  }
  const trouble = troubleOf(seen);
  const what = [...missing, ...(doing === undefined ? [] : [doing]), ...(trouble ? [trouble.message] : [])].join('; ');
  const counts = `${wanted - missing.length} of ${wanted} members serve`;
  // From its founding on until it first was whole, a set is not offered to people who asked for three copies.
  if (identity.data['formed'] !== 'yes') return says('False', trouble?.reason ?? 'Starting', `${counts}: ${what}`);
  return says('True', 'Degraded', `${counts}, writes go on: ${what}`);
}

function whoDoesNotServe({ stack, members: all }: MongodbObservation, { set }: InitializedMember): readonly string[] {
  return all
    .filter(({ ordinal }) => ordinal < stack.spec.mongodb.members)
    .flatMap(({ name, host }) => {
      const entry = set.config.members.find((member) => member.host === host);
      if (!entry) return [`${name} is not in the set`];
      const status = set.members.find((member) => member.host === host);
      const serves = status?.health === 1 && (status.state === 'PRIMARY' || status.state === 'SECONDARY');
      if (!serves) return [`${name} is ${status?.health === 1 ? status.state : 'not reached by the primary'}`];
      return isVoter(entry) ? [] : [`${name} has no vote yet`];
    });
}

function members(seen: MongodbObservation, identity: Founded): readonly MongodbAction[] {
  return standing(seen, { version: identity.version, replicas: seen.stack.spec.mongodb.members });
}

export function stateOf({ agent, pod }: Member): string {
  if (agent === 'unknown') return pod ? 'not reached' : 'no pod';
  if (agent.replicaSet.state === 'initialized') return agent.replicaSet.self;
  return agent.gate === 'waiting' ? `held, volume ${agent.volume.state}` : `mongod ${agent.mongod.state}`;
}
