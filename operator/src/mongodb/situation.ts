import type { ConfigMember } from '@authstack/mongodb-agent/api';
import type { ReportedEvent } from '../runtime/reconciler.ts';
import { changeIdentity } from './identity.ts';
import { isEnding, isHeldEmpty, isVoter, ordinalOfHost, primaryOf, reached } from './members.ts';
import type { InitializedMember } from './members.ts';
import { healthyVoters, majorityOf } from './serving.ts';
import type { Founded, Member, MongodbAction, MongodbObservation, ReachedMember } from './types.ts';

/** One step, decided; without actions it waits for what `why` says. */
export interface Change {
  readonly actions: readonly MongodbAction[];
  /** For people: what is being done, to which member. */
  readonly why: string;
  readonly event?: ReportedEvent;
}

/** A set whose primary can be told what to do, and whose last change is settled. */
export interface Situation {
  readonly seen: MongodbObservation;
  readonly identity: Founded;
  readonly primary: InitializedMember;
  readonly primaryAt: ReachedMember;
  readonly config: { readonly version: number; readonly members: readonly ConfigMember[] };
}

export function situationOf(seen: MongodbObservation, identity: Founded): Situation | undefined {
  const primary = primaryOf(seen.members);
  const primaryAt = primary && reached(primary);
  if (!primary || !primaryAt || !primary.set.configCommitted) return undefined;
  return { seen, identity, primary, primaryAt, config: primary.set.config };
}

export function entryOf({ host }: Member, { config }: Situation): ConfigMember | undefined {
  return config.members.find((entry) => entry.host === host);
}

export function highestId({ members }: Situation['config']): number {
  return Math.max(...members.map(({ _id }) => _id));
}

/** Members of this ordinal and above are in no configuration. */
export function membersIn({ members }: Situation['config']): number {
  return Math.max(0, ...members.map(({ host }) => ordinalOfHost(host))) + 1;
}

export function reconfigure(situation: Situation, members: readonly ConfigMember[], why: string): Change {
  const { seen, primaryAt, config } = situation;
  return {
    actions: [{ type: 'reconfigure', stack: seen.stack, member: primaryAt, expectedVersion: config.version, members }],
    why,
    event: { type: 'Normal', reason: 'MembershipChanges', message: why },
  };
}

/**
 * One member out of the configuration: the others have a healthy majority without it, and a primary hands over first.
 * mongod answers only once that configuration, and every write acknowledged before, is on a majority of those who stay.
 */
export function leave(entry: ConfigMember, situation: Situation, { name, why }: { name: string; why: string }): Change {
  const rest = situation.config.members.filter((other) => other !== entry);
  const isEmpty = situation.seen.members.some((member) => member.host === entry.host && isHeldEmpty(member));
  const lack = isEmpty ? lackWithoutEmpty(rest, situation) : lackOfMajority(rest, situation);
  if (lack !== undefined) return { actions: [], why: `${name} stays in the set for now: without it ${lack}` };
  if (entry.host === situation.primary.host) return handOver(situation, `${name} hands over before it leaves the set`);
  const change = reconfigure(situation, rest, why);
  return { ...change, actions: [...idsThatLeft(situation), ...change.actions] };
}

export function handOver({ seen, primaryAt }: Situation, why: string): Change {
  return { actions: [{ type: 'stepDown', stack: seen.stack, member: primaryAt }], why };
}

/** Stored before a member leaves, for the configuration forgets it: no id is ever given to two disks. */
function idsThatLeft({ seen, identity, config }: Situation): readonly MongodbAction[] {
  const next = highestId(config) + 1;
  if (next <= identity.nextMemberId) return [];
  return [changeIdentity(seen.stack, identity, { 'next-member-id': String(next) })];
}

/** For people; undefined: a majority of these members serves, by what the primary has heard and by their own words. */
export function lackOfMajority(members: readonly ConfigMember[], situation: Situation): string | undefined {
  const voters = members.filter(isVoter);
  const silent = membersNotSaying(situation).map(({ host }) => host);
  return lackAmong(
    voters,
    healthyVoters(
      situation.primary,
      voters.filter(({ host }) => !silent.includes(host)),
    ),
  );
}

/** One whose disk is empty takes nothing along, so what the primary has heard of the others will do. */
function lackWithoutEmpty(members: readonly ConfigMember[], { primary }: Situation): string | undefined {
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
export function membersNotSaying({ seen }: Situation): readonly Member[] {
  return seen.members.filter((member) => {
    const { pod, agent } = member;
    if (!pod || isEnding(member) || agent === 'unknown') return true;
    const { replicaSet } = agent;
    return replicaSet.state !== 'initialized' || !(replicaSet.self === 'PRIMARY' || replicaSet.self === 'SECONDARY');
  });
}
