import { compareOptimes } from '@authstack/mongodb-agent/api';
import type { Optime } from '@authstack/mongodb-agent/api';
import type { ReachableMember } from '../members/action.ts';
import { addressOf, initializedMembers, isTerminating, isVoter, stackRef } from '../members/member.ts';
import type { InitializedMember } from '../members/member.ts';
import { acting } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import type { ReplicaSetContext } from './context.ts';
import { keepRunning } from './keep-running.ts';
import { byNewestConfig, majorityOf } from './topology.ts';

const ENDED = { mongod: 'its mongod has ended', pod: 'its pod is gone' } as const;

/**
 * The members would notice by themselves once they have not heard from it for an election timeout. Here somebody knows, so
 * the most recent secondary stands for election at once; a majority has to vote for it, as ever. Nothing is done on silence,
 * nor once the set is in another term: then an election has taken place, or is under way.
 */
export function thePrimaryHasEnded(context: ReplicaSetContext): DatabaseVerdict | undefined {
  const { seen, identity } = context;
  const { lastPrimary, stack } = seen;
  if (!lastPrimary?.ended) return undefined;
  const own = initializedMembers(seen.members).filter(({ set }) => set.replicaSetId === identity.replicaSetId);
  const newestTerm = Math.max(...own.map(({ set }) => set.term ?? 0));
  const [newestConfig] = own.toSorted(byNewestConfig);
  if (!newestConfig || newestTerm !== lastPrimary.term) return undefined;
  const voters = newestConfig.set.config.members.filter(isVoter);
  const secondaries = own.filter(
    ({ host, set }) => set.self === 'SECONDARY' && voters.some((voter) => voter.host === host),
  );
  const [candidate] = secondaries.flatMap(asCandidate).sort((a, b) => compareOptimes(b.optime, a.optime));
  if (!candidate || secondaries.length < majorityOf(voters.length)) return undefined;
  const { member } = candidate;
  const message = `${lastPrimary.name} was primary, and ${ENDED[lastPrimary.ended]}. ${member.name} stands for election`;
  const event = { type: 'Normal', reason: 'ElectionAssisted', message } as const;
  return acting('False', 'NoPrimary', message, [
    {
      ...{ type: 'standForElection', stack: stackRef(stack), member },
      ...{ term: lastPrimary.term, ended: lastPrimary.host, event },
    },
    ...keepRunning(context),
  ]);
}

function asCandidate(
  secondary: InitializedMember,
): readonly { readonly member: ReachableMember; readonly optime: Optime }[] {
  const member = addressOf(secondary);
  const { optime, config } = secondary.set;
  const isElectable = config.members.some(({ host, priority }) => host === secondary.host && priority > 0);
  return member && optime && isElectable && !isTerminating(secondary) ? [{ member, optime }] : [];
}
