import { changeIdentity } from '../../stored/identity.ts';
import type { MongodbAction } from '../members/action.ts';
import { hostsOf } from '../members/addresses.ts';
import { addressOf, primaryOf, stackRef } from '../members/member.ts';
import type { MongodbObservation, SeenUser } from '../members/observation.ts';
import { acting } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import type { ReplicaSetContext } from './context.ts';
import { keepRunning } from './keep-running.ts';

/** Stored first, then created in the database: a password that only the database knows helps nobody. */
export function aCredentialIsNotStored({ seen }: ReplicaSetContext): DatabaseVerdict | undefined {
  const { rootUser, authUser } = seen;
  const stack = stackRef(seen.stack);
  const actions: MongodbAction[] = [];
  if (rootUser.state === 'absent') actions.push({ type: 'createRootUser', stack });
  if (authUser.state === 'absent') actions.push({ type: 'createAuthUser', stack, hosts: hostsOf(seen.stack) });
  if (actions.length === 0) return undefined;
  return acting('False', 'CreatingUsers', 'Storing the credentials of the database users', actions);
}

export function theUsersAreNotInTheDatabase(context: ReplicaSetContext): DatabaseVerdict | undefined {
  const { seen, identity } = context;
  const primary = primaryOf(seen.members);
  const member = primary && addressOf(primary);
  const credentials = credentialsOf(seen);
  if (!primary || !member || identity.credentials === credentials) return undefined;
  const { stack } = seen;
  return acting(
    'False',
    'CreatingUsers',
    `Creating the database users on ${primary.name}`,
    keepRunning(context, [
      { type: 'ensureUsers', stack: stackRef(stack), member },
      changeIdentity(stack, identity, { credentials }),
    ]),
  );
}

/** Other credentials are another text, so that any change of them is carried into the database. */
function credentialsOf({ rootUser, authUser }: MongodbObservation): string {
  const text = (user: SeenUser): string => (user.state === 'present' ? user.fingerprint : user.state);
  return `root@${text(rootUser)} auth@${text(authUser)}`;
}

/** The connection string names all members of the spec; drivers find the others by the first that answers. */
export function refreshUri({ stack, authUser }: MongodbObservation): readonly MongodbAction[] {
  if (authUser.state !== 'present' || authUser.isCurrent) return [];
  return [{ type: 'refreshUri', stack: stackRef(stack), hosts: hostsOf(stack) }];
}
