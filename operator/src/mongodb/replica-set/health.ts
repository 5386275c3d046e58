import { listed } from '../../runtime/listed.ts';
import type { MongodbAction } from '../members/action.ts';
import { nameOfHost } from '../members/addresses.ts';
import { isVoter } from '../members/member.ts';
import { acting } from '../members/verdict.ts';
import type { Acting, DatabaseVerdict, Note } from '../members/verdict.ts';
import { diagnosisOf, resyncHint } from '../objects/diagnosis.ts';
import type { ReplicaSetContext } from './context.ts';
import { hasMajority, healthyVoters } from './topology.ts';
import type { Topology } from './topology.ts';

export interface Report {
  readonly topology: Topology;
  /** What is being done, for people. */
  readonly doing: string | undefined;
  readonly notes: readonly Note[];
  readonly actions: readonly MongodbAction[];
}

/** The verdict on an initiated set that has a primary. */
export function healthOf(context: ReplicaSetContext, { topology, doing, notes, actions }: Report): Acting {
  const [status, reason, summary] = summarize(context, topology);
  const others = notes.map(({ message }) => message);
  if (status === 'True' && context.unhealthy.length === 0) {
    const noted = reason === 'AllMembersHealthy' ? notes[0]?.reason : undefined;
    return acting(status, noted ?? reason, sentences(summary, doing, ...others), actions);
  }
  const diagnosis = diagnosisOf(context.seen);
  const unhealthy = listed(context.unhealthy.map(({ why }) => why));
  const message = sentences(
    ...[summary, unhealthy, doing, diagnosis?.message],
    ...[whoMayBeStuck(context, topology), ...others],
  );
  return acting(status, reason === 'Starting' && diagnosis ? diagnosis.reason : reason, message, actions);
}

/** What is seen of the members, in the order in which it counts. */
function summarize(
  { seen, identity: { formed }, unhealthy }: ReplicaSetContext,
  topology: Topology,
): [status: Acting['status'], reason: Acting['reason'], summary: string] {
  const { stack } = seen;
  const { members: wanted } = stack.spec.mongodb;
  if (!hasMajority(topology)) {
    const voters = topology.reporter.set.config.members.filter(isVoter);
    const healthy = healthyVoters(topology.reporter, voters);
    return ['False', 'NoPrimary', `Only ${healthy} of ${voters.length} voting members are healthy`];
  }
  const primary = nameOfHost(stack, topology.primaryHost);
  if (unhealthy.length === 0) {
    const all = wanted === 1 ? 'The one member is healthy' : `All ${wanted} members are healthy`;
    if (topology.reporter.host === topology.primaryHost) {
      return ['True', 'AllMembersHealthy', `${all}, ${primary} is primary`];
    }
    const summary = `${all}, and the agent of the primary ${primary} does not answer`;
    return formed > 0 ? ['True', 'Degraded', summary] : ['False', 'Starting', summary];
  }
  const counts = `${wanted - unhealthy.length} of ${wanted} members are healthy`;
  // Until all members were seen voting once, the set is not offered to people who asked for that many copies.
  if (formed === 0) return ['False', 'Starting', counts];
  const isGrowing = unhealthy.every(({ member }) => member.ordinal >= formed);
  return ['True', isGrowing ? 'MembershipChanging' : 'Degraded', `${counts}, and a majority acknowledges writes`];
}

/** A member that fell behind what the others still remember stays so for ever, and reports no more than one that catches up. */
function whoMayBeStuck({ seen }: ReplicaSetContext, { reporter: { set } }: Topology): string | undefined {
  const stuck = seen.members.find(({ host }) =>
    set.members.some((member) => member.host === host && member.health === 1 && member.state === 'RECOVERING'),
  );
  return stuck && `If ${stuck.name} stays in RECOVERING, ${resyncHint(seen.stack, stuck.ordinal)}`;
}

/** What hibernation asks for is reported as asked for, whatever still runs. */
const ALWAYS_AS_IT_IS: ReadonlySet<string> = new Set(['Hibernated']);
/** Work on a set that lacks nothing. */
const ROUTINE: ReadonlySet<string> = new Set(['CreatingUsers']);

/**
 * Whatever else is wrong: as long as a formed set takes writes, the condition is True. What the verdict does, or refuses
 * to do, stays.
 */
export function asServed<Answer extends DatabaseVerdict>(verdict: Answer, context: ReplicaSetContext): Answer {
  const { topology, unhealthy, identity } = context;
  if (verdict.status === 'True' || ALWAYS_AS_IT_IS.has(verdict.reason)) return verdict;
  if (identity.formed === 0 || !topology || !hasMajority(topology)) return verdict;
  const isRoutine = unhealthy.length === 0 && ROUTINE.has(verdict.reason);
  const { stalls: _later, ...rest } = verdict;
  return {
    ...(rest as Answer),
    ...{ status: 'True', reason: isRoutine ? 'AllMembersHealthy' : 'Degraded' },
    message: sentences('A majority acknowledges writes', verdict.message),
  };
}

export function sentences(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('. ');
}
