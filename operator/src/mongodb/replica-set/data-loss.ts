import { listed } from '../../runtime/listed.ts';
import { namespaceOf } from '../../api/names.ts';
import { claimName } from '../members/addresses.ts';
import { initializedMembers, isHeldEmpty, isVoter } from '../members/member.ts';
import type { Member } from '../members/observation.ts';
import { annotations } from '../members/requests.ts';
import { acting, refusing } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import type { ReplicaSetContext } from './context.ts';
import { membersObjects } from './keep-running.ts';
import { byNewestConfig, majorityOf } from './topology.ts';

export function aMemberBelongsToAnotherSet({ seen, identity }: ReplicaSetContext): DatabaseVerdict | undefined {
  const foreign = initializedMembers(seen.members).find(({ set }) => set.replicaSetId !== identity.replicaSetId);
  if (!foreign) return undefined;
  const claim = claimName(seen.stack, foreign.ordinal);
  return refusing(
    'ForeignData',
    `The volume of ${foreign.name} belongs to replica set ${foreign.set.replicaSetId}, this stack's is ` +
      `${identity.replicaSetId}. Nothing is changed. Bring back the right volume, or delete claim and pod to have the member ` +
      `copy the data: kubectl -n ${namespaceOf(seen.stack)} delete pvc/${claim} pod/${foreign.name}`,
  );
}

/** Empty members with a majority of the votes could elect each other, without what was written. */
export function aMajorityOfDisksIsEmpty(context: ReplicaSetContext): DatabaseVerdict | undefined {
  const { seen, identity, formerMembers } = context;
  const empty = seen.members.filter(isHeldEmpty);
  if (empty.length === 0 || !isMajorityLost(context, empty)) return undefined;
  const names = listed(empty.map((member) => member.name));
  const survivors = [...seen.members.filter((member) => !isHeldEmpty(member)), ...formerMembers].map(
    (member) => member.name,
  );
  const first =
    survivors.length === 0 ? '' : `save what ${listed(survivors)} still holds, delete claim and pod of it, and `;
  const message =
    `The volumes of ${names} are empty although replica set ${identity.replicaSetId} was initiated on them. Nothing is ` +
    `started anew. Bring back the volumes that belong to the claims (kubectl get pv). If they are lost for good: ${first}` +
    `kubectl -n ${namespaceOf(seen.stack)} annotate authstack ${seen.stack.metadata.name} ` +
    `${annotations.acceptDataLoss}=${identity.replicaSetId}`;
  // Members that run may still have what the empty ones lack.
  return acting('False', 'DataLossSuspected', message, membersObjects(context));
}

/** Counted among the voters of the newest configuration that a member knows; where none knows one, among all. */
function isMajorityLost({ seen, identity }: ReplicaSetContext, empty: readonly Member[]): boolean {
  const own = initializedMembers(seen.members).filter(({ set }) => set.replicaSetId === identity.replicaSetId);
  const [witness] = own.toSorted(byNewestConfig);
  if (!witness) return seen.members.every(isHeldEmpty);
  const voters = witness.set.config.members.filter(isVoter);
  const lost = voters.filter(({ host }) => empty.some((member) => member.host === host));
  return voters.length - lost.length < majorityOf(voters.length);
}
