import type { ConfigMember } from '@authstack/mongodb-agent/api';
import type { ReportedEvent } from '../runtime/reconciler.ts';
import { changeIdentity } from './identity.ts';
import { isVoter, ordinalOfHost, primaryOf, reached } from './members.ts';
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
  const lack = lackOfMajority(rest, situation);
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

/** For people; undefined: these members have a healthy majority. */
export function lackOfMajority(members: readonly ConfigMember[], { primary }: Situation): string | undefined {
  const voters = members.filter(isVoter);
  const healthy = healthyVoters(primary, voters);
  if (voters.length > 0 && healthy >= majorityOf(voters.length)) return undefined;
  return `only ${healthy} of ${voters.length} voting members would serve`;
}
