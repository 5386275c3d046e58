import type { ConfigMember, ObservedMember } from '@authstack/mongodb-agent/api';
import type { Initiated } from '../../stored/identity.ts';
import { ordinalOfHost } from '../members/addresses.ts';
import { initializedMembers, isTerminating, isVoter, primaryOf } from '../members/member.ts';
import type { InitializedMember } from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/observation.ts';

/** The replica set as the member reports it that sees it best. */
export interface Topology {
  readonly reporter: InitializedMember;
  readonly primaryHost: string;
}

/** From the primary; while its agent cannot be asked, from a secondary that sees it. */
export function topologyOf(
  { members, lastPrimary }: MongodbObservation,
  { replicaSetId }: Initiated,
): Topology | undefined {
  const own = initializedMembers(members).filter(({ set }) => set.replicaSetId === replicaSetId);
  const primary = primaryOf(own);
  if (primary) return { reporter: primary, primaryHost: primary.host };
  for (const reporter of own.toSorted(byNewestConfig)) {
    const seen = reporter.set.members.find(({ state, health }) => state === 'PRIMARY' && health === 1);
    // Heartbeats are seconds old: one that is known to have ended is still seen for a while.
    const hasEnded = lastPrimary?.ended !== undefined && seen?.host === lastPrimary.host;
    if (reporter.set.self === 'SECONDARY' && seen && !hasEnded) return { reporter, primaryHost: seen.host };
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

export interface UnhealthyMember {
  readonly member: Member;
  /** For people, with the member's name. */
  readonly why: string;
}

/** The members of the spec that are not healthy voters. */
export function unhealthyMembers(
  { stack, members }: MongodbObservation,
  { reporter: { set } }: Topology,
): readonly UnhealthyMember[] {
  return members
    .filter(({ ordinal }) => ordinal < stack.spec.mongodb.members)
    .flatMap((member) => {
      const why = whyUnhealthy(member, set);
      return why === undefined ? [] : [{ member, why: `${member.name} ${why}` }];
    });
}

function whyUnhealthy(member: Member, { config, members }: InitializedMember['set']): string | undefined {
  const entry = config.members.find(({ host }) => host === member.host);
  if (!entry) return member.pod ? 'is not in the replica set' : 'has no pod';
  const status = members.find(({ host }) => host === member.host);
  if (!isHealthy(status)) return `is ${status?.health === 1 ? status.state : 'not reached by the other members'}`;
  if (!isVoter(entry)) return 'has no vote yet';
  return isTerminating(member) ? 'is Terminating' : whyNotRunning(member);
}

/** What is known at once; the other members notice it seconds later, by the heartbeats that they miss. */
function whyNotRunning({ pod, agent }: Member): string | undefined {
  if (!pod) return 'has no pod';
  return agent !== 'unknown' && agent.mongod.state === 'down' ? 'has no running mongod' : undefined;
}

/** The ordinals of our own members in a configuration; anything else in it is somebody else's. */
export function ownOrdinals(
  { stack }: MongodbObservation,
  { members }: { readonly members: readonly ConfigMember[] },
): readonly number[] {
  return members.map(({ host }) => ordinalOfHost(stack, host)).filter((ordinal) => ordinal !== undefined);
}

/** Members from this ordinal on are in no configuration. */
export function memberCountIn(seen: MongodbObservation, config: { readonly members: readonly ConfigMember[] }): number {
  return Math.max(-1, ...ownOrdinals(seen, config)) + 1;
}

/** Members that the operator did not add: hidden ones, arbiters, whatever people put there. */
export function foreignHosts({ stack }: MongodbObservation, { reporter: { set } }: Topology): readonly string[] {
  return set.config.members.map(({ host }) => host).filter((host) => ordinalOfHost(stack, host) === undefined);
}
