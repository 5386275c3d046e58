import { initializedMembers, isAnswering } from './member.ts';
import type { InitializedMember } from './member.ts';
import type { LastPrimary, Member } from './observation.ts';

/** What one pass leaves to the next of the primary it saw. It may be lost at any time. */
export interface RememberedPrimary {
  readonly name: string;
  readonly host: string;
  readonly podUid: string;
  readonly replicaSetId: string;
  readonly term: number;
}

/** The newest that is known: what members report now, or what was remembered of the same term or a newer one. */
export function newestPrimary(
  members: readonly Member[],
  remembered: RememberedPrimary | undefined,
): RememberedPrimary | undefined {
  const [reported] = initializedMembers(members)
    .filter(({ set }) => set.self === 'PRIMARY')
    .flatMap(rememberedOf)
    .sort((a, b) => b.term - a.term);
  if (!reported) return remembered;
  const isNewer = remembered?.replicaSetId !== reported.replicaSetId || reported.term >= remembered.term;
  return isNewer ? reported : remembered;
}

function rememberedOf({ name, host, agent, set }: InitializedMember): readonly RememberedPrimary[] {
  const { replicaSetId, term } = set;
  return term === undefined ? [] : [{ name, host, podUid: agent.podUid, replicaSetId, term }];
}

/** Of the pod that was primary: what its agent says now. `unknown`: only the API server can tell whether it still exists. */
export function stateOfPrimary(
  { name, podUid }: RememberedPrimary,
  members: readonly Member[],
): 'runs' | 'ended' | 'unknown' {
  const member = members.find((one) => one.name === name);
  if (!member || !isAnswering(member) || member.agent.podUid !== podUid) return 'unknown';
  return member.agent.mongod.state === 'down' ? 'ended' : 'runs';
}

export function lastPrimaryOf(
  { name, host, term }: RememberedPrimary,
  ended: LastPrimary['ended'] | undefined,
): LastPrimary {
  return { name, host, term, ...(ended && { ended }) };
}
