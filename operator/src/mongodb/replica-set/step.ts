import type { ConfigMember } from '@authstack/mongodb-agent/api';
import { changeIdentity } from '../../stored/identity.ts';
import type { MongodbAction } from '../members/action.ts';
import { isHeldEmpty, isTerminating, isVoter, stackRef } from '../members/member.ts';
import type { Member } from '../members/observation.ts';
import type { CommandableSet } from './context.ts';
import { healthyVoters, majorityOf } from './topology.ts';

/** One step of a set that serves, decided; without actions it waits for what the message says. */
export interface Step {
  readonly actions: readonly MongodbAction[];
  readonly message: string;
}

export function entryOf({ host }: Member, { config }: CommandableSet): ConfigMember | undefined {
  return config.members.find((entry) => entry.host === host);
}

export function highestId({ members }: CommandableSet['config']): number {
  return Math.max(...members.map(({ _id }) => _id));
}

export function reconfigure(set: CommandableSet, members: readonly ConfigMember[], message: string): Step {
  const { seen, primaryAddress, config } = set;
  const event = { type: 'Normal', reason: 'MembershipChanges', message } as const;
  return {
    actions: [
      {
        ...{ type: 'reconfigure', stack: stackRef(seen.stack), member: primaryAddress },
        ...{ expectedVersion: config.version, members, event },
      },
    ],
    message,
  };
}

/**
 * One member out of the configuration: the others have a healthy majority without it, and a primary steps down first.
 * mongod answers only once that configuration, and every write acknowledged before, is on a majority of those who stay.
 */
export function leave(
  entry: ConfigMember,
  set: CommandableSet,
  { name, message }: { readonly name: string; readonly message: string },
): Step {
  const rest = set.config.members.filter((other) => other !== entry);
  const isEmpty = set.seen.members.some((member) => member.host === entry.host && isHeldEmpty(member));
  const lack = isEmpty ? lackWithoutEmpty(rest, set) : lackOfMajority(rest, set);
  if (lack !== undefined) return { actions: [], message: `${name} cannot leave the set yet: without it ${lack}` };
  if (entry.host === set.primary.host) return stepDown(set, `${name} steps down before it leaves the set`);
  const change = reconfigure(set, rest, message);
  return { ...change, actions: [...storeHighestId(set), ...change.actions] };
}

export function stepDown({ seen, primaryAddress }: CommandableSet, message: string): Step {
  return { actions: [{ type: 'stepDown', stack: stackRef(seen.stack), member: primaryAddress }], message };
}

/** Stored before a member leaves, for the configuration forgets it: no id is ever given to two disks. */
function storeHighestId({ seen, identity, config }: CommandableSet): readonly MongodbAction[] {
  const next = highestId(config) + 1;
  return next <= identity.nextMemberId ? [] : [changeIdentity(seen.stack, identity, { nextMemberId: next })];
}

/** For people; undefined: a majority of these members is healthy, as the primary sees it and as they report themselves. */
export function lackOfMajority(members: readonly ConfigMember[], set: CommandableSet): string | undefined {
  const voters = members.filter(isVoter);
  const silent = membersNotReportingHealthy(set).map(({ host }) => host);
  const reporting = voters.filter(({ host }) => !silent.includes(host));
  return lackAmong(voters, healthyVoters(set.primary, reporting));
}

/** One whose disk is empty takes nothing along, so what the primary sees of the others is enough. */
function lackWithoutEmpty(members: readonly ConfigMember[], { primary }: CommandableSet): string | undefined {
  const voters = members.filter(isVoter);
  return lackAmong(voters, healthyVoters(primary, voters));
}

function lackAmong(voters: readonly ConfigMember[], healthy: number): string | undefined {
  if (voters.length > 0 && healthy >= majorityOf(voters.length)) return undefined;
  return `only ${healthy} of ${voters.length} voting members would be healthy`;
}

/**
 * A primary goes by heartbeats, which are seconds old: a member whose pod has just been deleted still counts there. So
 * before anything is taken away, each of the others has to report itself, out of a pod that stays, that it is healthy.
 */
export function membersNotReportingHealthy({ seen }: CommandableSet): readonly Member[] {
  return seen.members.filter((member) => {
    const { pod, agent } = member;
    if (!pod || isTerminating(member) || agent === 'unknown') return true;
    const { replicaSet } = agent;
    return replicaSet.state !== 'initialized' || !(replicaSet.self === 'PRIMARY' || replicaSet.self === 'SECONDARY');
  });
}
