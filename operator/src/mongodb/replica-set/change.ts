import type { ConfigMember } from '@authstack/mongodb-agent/api';
import type { ReportedEvent } from '../../runtime/reconciler.ts';
import { changeIdentity } from '../../stored/identity.ts';
import { isHeldEmpty, isTerminating, isVoter, ordinalOfHost } from '../members/member.ts';
import type { Member, MongodbAction } from '../members/types.ts';
import type { CommandableSet } from './context.ts';
import { healthyVoters, majorityOf } from './topology.ts';

/** One step, decided; without actions it waits for what `why` says. */
export interface Step {
  readonly actions: readonly MongodbAction[];
  /** For people: what is being done, to which member. */
  readonly why: string;
  readonly event?: ReportedEvent;
}

export function entryOf({ host }: Member, { config }: CommandableSet): ConfigMember | undefined {
  return config.members.find((entry) => entry.host === host);
}

export function highestId({ members }: CommandableSet['config']): number {
  return Math.max(...members.map(({ _id }) => _id));
}

/** Members of this ordinal and above are in no configuration. */
export function memberCountIn({ members }: CommandableSet['config']): number {
  return Math.max(0, ...members.map(({ host }) => ordinalOfHost(host))) + 1;
}

export function reconfigure(set: CommandableSet, members: readonly ConfigMember[], why: string): Step {
  const { seen, primaryAddress, config } = set;
  return {
    actions: [
      { type: 'reconfigure', stack: seen.stack, member: primaryAddress, expectedVersion: config.version, members },
    ],
    why,
    event: { type: 'Normal', reason: 'MembershipChanges', message: why },
  };
}

/**
 * One member out of the configuration: the others have a healthy majority without it, and a primary hands over first.
 * mongod answers only once that configuration, and every write acknowledged before, is on a majority of those who stay.
 */
export function leave(entry: ConfigMember, set: CommandableSet, { name, why }: { name: string; why: string }): Step {
  const rest = set.config.members.filter((other) => other !== entry);
  const isEmpty = set.seen.members.some((member) => member.host === entry.host && isHeldEmpty(member));
  const lack = isEmpty ? lackWithoutEmpty(rest, set) : lackOfMajority(rest, set);
  if (lack !== undefined) return { actions: [], why: `${name} stays in the set for now: without it ${lack}` };
  if (entry.host === set.primary.host) return handOver(set, `${name} hands over before it leaves the set`);
  const change = reconfigure(set, rest, why);
  return { ...change, actions: [...idsThatLeft(set), ...change.actions] };
}

export function handOver({ seen, primaryAddress }: CommandableSet, why: string): Step {
  return { actions: [{ type: 'stepDown', stack: seen.stack, member: primaryAddress }], why };
}

/** Stored before a member leaves, for the configuration forgets it: no id is ever given to two disks. */
function idsThatLeft({ seen, identity, config }: CommandableSet): readonly MongodbAction[] {
  const next = highestId(config) + 1;
  if (next <= identity.nextMemberId) return [];
  return [changeIdentity(seen.stack, identity, { 'next-member-id': String(next) })];
}

/** For people; undefined: a majority of these members serves, by what the primary has heard and by their own words. */
export function lackOfMajority(members: readonly ConfigMember[], set: CommandableSet): string | undefined {
  const voters = members.filter(isVoter);
  const silent = membersNotReportingHealthy(set).map(({ host }) => host);
  return lackAmong(
    voters,
    healthyVoters(
      set.primary,
      voters.filter(({ host }) => !silent.includes(host)),
    ),
  );
}

/** One whose disk is empty takes nothing along, so what the primary has heard of the others will do. */
function lackWithoutEmpty(members: readonly ConfigMember[], { primary }: CommandableSet): string | undefined {
  const voters = members.filter(isVoter);
  return lackAmong(voters, healthyVoters(primary, voters));
}

function lackAmong(voters: readonly ConfigMember[], healthy: number): string | undefined {
  if (voters.length > 0 && healthy >= majorityOf(voters.length)) return undefined;
  return `only ${healthy} of ${voters.length} voting members would serve`;
}

/**
 * A primary goes by heartbeats, which are seconds old: a member that has just been told to end still counts as well there.
 * So before anything is taken away, each of the others has to say itself, out of a pod that stays, that it serves.
 */
export function membersNotReportingHealthy({ seen }: CommandableSet): readonly Member[] {
  return seen.members.filter((member) => {
    const { pod, agent } = member;
    if (!pod || isTerminating(member) || agent === 'unknown') return true;
    const { replicaSet } = agent;
    return replicaSet.state !== 'initialized' || !(replicaSet.self === 'PRIMARY' || replicaSet.self === 'SECONDARY');
  });
}
