import { changeIdentity } from '../../stored/identity.ts';
import { addressOf, primaryOf } from '../members/member.ts';
import type { MongodbAction, MongodbObservation } from '../members/types.ts';
import { verdict } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import type { ReplicaSetContext } from './context.ts';
import { desiredMembers } from './desired-members.ts';

/** Stored first, then created in the database: a password that only the database knows helps nobody. */
export function aCredentialIsNotStored({ seen }: ReplicaSetContext): DatabaseVerdict | undefined {
  const { stack, rootUser, authUser } = seen;
  const actions: MongodbAction[] = [];
  if (rootUser.state === 'absent') actions.push({ type: 'createUser', stack, user: 'root' });
  if (authUser.state === 'absent') actions.push({ type: 'createUser', stack, user: 'auth' });
  if (authUser.state === 'present' && authUser.isCurrent === false) actions.push({ type: 'refreshUri', stack });
  if (actions.length === 0) return undefined;
  return verdict('False', 'CreatingUsers', 'the credentials of the database are stored', { actions });
}

export function theUsersAreNotInTheDatabase(context: ReplicaSetContext): DatabaseVerdict | undefined {
  const { seen, identity } = context;
  const primary = primaryOf(seen.members);
  const member = primary && addressOf(primary);
  const wanted = credentialsOf(seen);
  if (!primary || !member || identity.credentials === wanted) return undefined;
  const then = changeIdentity(seen.stack, identity, { credentials: wanted });
  return verdict('False', 'CreatingUsers', `the users of the database are created on ${primary.name}`, {
    actions: [...desiredMembers(context), { type: 'ensureUsers', stack: seen.stack, member, then }],
  });
}

/** Names the stored credentials by their versions, so that any change of them is carried into the database. */
function credentialsOf({ rootUser, authUser }: MongodbObservation): string {
  const version = (secret: MongodbObservation['rootUser']): string =>
    secret.state === 'present' ? secret.resourceVersion : secret.state;
  return `root@${version(rootUser)} auth@${version(authUser)}`;
}
