import { namespaceOf } from '../../api/names.ts';
import type { Initiated } from '../../stored/identity.ts';
import { claimName, initializedMembers, isAnswering, isHeldEmpty, isVoter } from '../members/member.ts';
import { annotations } from '../members/requests.ts';
import type { Member, MongodbObservation } from '../members/types.ts';
import { stateOf, verdict } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { desiredObjects } from '../objects/desired.ts';
import { diagnosisOf } from '../objects/diagnosis.ts';
import type { ReplicaSetContext } from './context.ts';
import { desiredMembers } from './desired-members.ts';
import { aMemberIsUnfenced } from './fencing.ts';
import { byNewestConfig, majorityOf } from './topology.ts';

export function aMemberBelongsToAnotherSet({
  seen: { stack, members },
  identity,
}: ReplicaSetContext): DatabaseVerdict | undefined {
  const foreign = initializedMembers(members).find(({ set }) => set.replicaSetId !== identity.replicaSetId);
  if (!foreign) return undefined;
  return verdict(
    'False',
    'ForeignData',
    `${foreign.name} holds replica set ${foreign.set.replicaSetId}, this stack's is ${identity.replicaSetId}; nothing is ` +
      `changed. Give it the right volume, or delete claim and pod to have it copy the data: kubectl -n ${namespaceOf(stack)} ` +
      `delete pvc/${claimName(stack, foreign.ordinal)} pod/${foreign.name}`,
  );
}

/** Everything stays, and nothing runs. */
export function theMembersHibernate({ seen, identity }: ReplicaSetContext): DatabaseVerdict | undefined {
  const { stack, members } = seen;
  if (!stack.spec.mongodb.hibernate) return undefined;
  const running = members.filter(({ pod }) => pod).map(({ name }) => name);
  const how = running.length === 0 ? 'no member runs' : `${running.join(', ')} still end`;
  return verdict(
    'False',
    'Hibernated',
    `${how}; the volumes are kept. To wake the database: spec.mongodb.hibernate: false`,
    {
      actions: desiredObjects(seen, { version: identity.version, replicas: 0 }),
    },
  );
}

export function aMajorityOfDisksIsEmpty(context: ReplicaSetContext): DatabaseVerdict | undefined {
  const { seen, identity, formerMembers } = context;
  const empty = seen.members.filter(isHeldEmpty);
  if (empty.length === 0 || !isMajorityLost(seen, identity, empty)) return undefined;
  const { name, namespace } = { name: seen.stack.metadata.name, namespace: namespaceOf(seen.stack) };
  const names = empty.map((member) => member.name).join(', ');
  const survivors = [...seen.members.filter((member) => !isHeldEmpty(member)), ...formerMembers].map(
    (member) => member.name,
  );
  const first =
    survivors.length === 0 ? '' : `save what ${survivors.join(', ')} still holds, delete claim and pod of it, and `;
  return verdict(
    'False',
    'DataLossSuspected',
    `the volumes of ${names} are empty although replica set ${identity.replicaSetId} was founded on them; nothing is ` +
      `started anew. Bring back the volumes that belong to the claims (kubectl get pv). If they are lost for good: ${first}` +
      `kubectl -n ${namespace} annotate authstack ${name} ${annotations.acceptDataLoss}=${identity.replicaSetId}`,
    { actions: desiredMembers(context) },
  );
}

/** Counted among the voters of the newest configuration that a member knows; where none knows one, among all. */
function isMajorityLost(seen: MongodbObservation, identity: Initiated, empty: readonly Member[]): boolean {
  const own = initializedMembers(seen.members).filter(({ set }) => set.replicaSetId === identity.replicaSetId);
  const [witness] = own.toSorted(byNewestConfig);
  if (!witness) return seen.members.every(isHeldEmpty);
  const voters = witness.set.config.members.filter(isVoter);
  const lost = voters.filter(({ host }) => empty.some((member) => member.host === host));
  return voters.length - lost.length < majorityOf(voters.length);
}

export function aMemberIsToBeUnfenced(context: ReplicaSetContext): DatabaseVerdict | undefined {
  const change = aMemberIsUnfenced(context.seen, context.identity);
  if (!change) return undefined;
  return verdict('False', 'Starting', change.why, { actions: [...desiredMembers(context), ...change.actions] });
}

export function noPrimaryIsSeen(context: ReplicaSetContext): DatabaseVerdict | undefined {
  const { seen } = context;
  if (context.topology) return undefined;
  const actions = desiredMembers(context);
  const trouble = diagnosisOf(seen);
  if (trouble) {
    // Nobody could be asked, so nothing is known; a member that answers and has no primary knows something.
    const status = trouble.reason === 'MembersUnreachable' && !seen.members.some(isAnswering) ? 'Unknown' : 'False';
    return verdict(status, trouble.reason, trouble.message, { actions });
  }
  if (!seen.members.some(isAnswering)) return verdict('False', 'Starting', 'the members are starting', { actions });
  const states = seen.members.map((member) => `${member.name}: ${stateOf(member)}`).join(', ');
  return verdict('False', 'NoPrimary', `no member is primary (${states}); an election needs a majority of them`, {
    actions,
  });
}
