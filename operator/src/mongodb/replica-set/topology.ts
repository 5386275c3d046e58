import type { ConfigMember, ObservedMember } from '@authstack/mongodb-agent/api';
import type { Initiated } from '../../stored/identity.ts';
import { initializedMembers, isTerminating, isVoter, primaryOf } from '../members/member.ts';
import type { InitializedMember } from '../members/member.ts';
import type { MongodbObservation } from '../members/types.ts';

/** The replica set as the member reports it that sees it best. */
export interface Topology {
  readonly reporter: InitializedMember;
  readonly primaryHost: string;
}

/** From the primary; while its agent cannot be asked, from a secondary that sees it. */
export function topologyOf({ members }: MongodbObservation, { replicaSetId }: Initiated): Topology | undefined {
  const own = initializedMembers(members).filter(({ set }) => set.replicaSetId === replicaSetId);
  const primary = primaryOf(own);
  if (primary) return { reporter: primary, primaryHost: primary.host };
  for (const reporter of own.toSorted(byNewestConfig)) {
    const seen = reporter.set.members.find(({ state, health }) => state === 'PRIMARY' && health === 1);
    if (reporter.set.self === 'SECONDARY' && seen) return { reporter, primaryHost: seen.host };
  }
  return undefined;
}

export function byNewestConfig(a: InitializedMember, b: InitializedMember): number {
  const [newest, other] = [b.set.config, a.set.config];
  return newest.term - other.term || newest.version - other.version || a.ordinal - b.ordinal;
}

/** Whether a majority would acknowledge a write now. */
export function hasMajority({ reporter }: Topology): boolean {
  const voters = reporter.set.config.members.filter(isVoter);
  return healthyVoters(reporter, voters) >= majorityOf(voters.length);
}

export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** How many of these voters the member sees as primary or secondary. */
export function healthyVoters({ set }: InitializedMember, voters: readonly ConfigMember[]): number {
  return voters.filter(({ host }) => isHealthy(set.members.find((member) => member.host === host))).length;
}

export function isHealthy(status: ObservedMember | undefined): boolean {
  return status?.health === 1 && (status.state === 'PRIMARY' || status.state === 'SECONDARY');
}

/** One entry for each member of the spec that is not a healthy voter, and why. */
export function unhealthyMembers(
  { stack, members }: MongodbObservation,
  { reporter: { set } }: Topology,
): readonly string[] {
  return members
    .filter(({ ordinal }) => ordinal < stack.spec.mongodb.members)
    .flatMap((member) => {
      const { name, host } = member;
      const entry = set.config.members.find((other) => other.host === host);
      if (!entry) return [`${name} is not in the set`];
      const status = set.members.find((other) => other.host === host);
      if (!isHealthy(status)) {
        return [`${name} is ${status?.health === 1 ? status.state : 'not reached by the other members'}`];
      }
      if (!isVoter(entry)) return [`${name} has no vote yet`];
      return isTerminating(member) ? [`${name} is Terminating`] : [];
    });
}
