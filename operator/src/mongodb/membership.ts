import type { ConfigMember } from '@authstack/mongodb-agent/api';
import { changeIdentity } from './identity.ts';
import { isAnswering, isBeingDeleted, isHeldEmpty, isVoter, reached } from './members.ts';
import type { InitializedMember } from './members.ts';
import { healthyVoters, majorityOf } from './serving.ts';
import type { Member, MongodbAction, MongodbObservation, ReachedMember, SeenIdentity } from './types.ts';

export interface MembershipChange {
  readonly actions: readonly MongodbAction[];
  /** For people: what is being done, to which member. */
  readonly why: string;
}

interface Situation {
  readonly seen: MongodbObservation;
  readonly identity: Extract<SeenIdentity, { state: 'founded' }>;
  readonly primary: InitializedMember;
  readonly primaryAt: ReachedMember;
  readonly config: { readonly version: number; readonly members: readonly ConfigMember[] };
}

type Rule = (member: Member, situation: Situation) => MembershipChange | undefined;

/**
 * One step towards every member of the spec being a voter. A voter whose disk is empty leaves first; then members that
 * hold the data get their vote; then places are given to members that have none. Each change waits until the one before
 * is committed by a majority, and at most one vote changes in each.
 */
const rules: readonly Rule[] = [anEmptyVoterLeaves, aMemberThatCaughtUpVotes, aMemberIsAdded, anAddedMemberStarts];

/** A member that is this close behind the primary may vote; the rest of the distance is replication's usual delay. */
const CAUGHT_UP_SECONDS = 5;

export function nextMembershipChange(
  seen: MongodbObservation,
  identity: Extract<SeenIdentity, { state: 'founded' }>,
  primary: InitializedMember,
): MembershipChange | undefined {
  const primaryAt = reached(primary);
  if (!primaryAt || !primary.set.configCommitted) return undefined;
  const situation = { seen, identity, primary, primaryAt, config: primary.set.config };
  const wanted = seen.members.filter(({ ordinal }) => ordinal < seen.stack.spec.mongodb.members);
  for (const rule of rules) {
    const change = wanted.map((member) => rule(member, situation)).find((found) => found !== undefined);
    if (change) return change;
  }
  return undefined;
}

/** An empty disk in a voter's place could elect a primary that lacks acknowledged writes. */
function anEmptyVoterLeaves(member: Member, situation: Situation): MembershipChange | undefined {
  const entry = entryOf(member, situation);
  if (!entry || !isVoter(entry) || !isHeldEmpty(member)) return undefined;
  const rest = situation.config.members.filter((other) => other !== entry);
  if (!hasHealthyMajority(rest, situation)) return undefined;
  const change = reconfigure(situation, rest, `${member.name} has an empty volume and leaves the set, to join it anew`);
  return { ...change, actions: [...idsThatLeft(situation), ...change.actions] };
}

/** Stored before a member leaves, for the configuration forgets it: no id is ever given to two disks. */
function idsThatLeft({ seen, identity, config }: Situation): readonly MongodbAction[] {
  const next = highestId(config) + 1;
  if (next <= identity.nextMemberId) return [];
  return [changeIdentity(seen.stack, identity, { 'next-member-id': String(next) })];
}

function highestId({ members }: Situation['config']): number {
  return Math.max(...members.map(({ _id }) => _id));
}

function aMemberThatCaughtUpVotes(member: Member, situation: Situation): MembershipChange | undefined {
  const entry = entryOf(member, situation);
  if (!entry || isVoter(entry) || !isSecondary(member)) return undefined;
  const status = situation.primary.set.members.find(({ host }) => host === member.host);
  const caughtUp =
    status?.state === 'SECONDARY' && status.health === 1 && (status.lagSeconds ?? Infinity) <= CAUGHT_UP_SECONDS;
  if (!caughtUp) return undefined;
  const members = situation.config.members.map((other) =>
    other === entry ? { ...other, votes: 1 as const, priority: 1 } : other,
  );
  return reconfigure(situation, members, `${member.name} holds the data and gets its vote`);
}

/** The primary may go by a heartbeat from before the member lost its disk; the member itself must say so as well. */
function isSecondary(member: Member): boolean {
  return (
    isAnswering(member) &&
    member.agent.replicaSet.state === 'initialized' &&
    member.agent.replicaSet.self === 'SECONDARY'
  );
}

function aMemberIsAdded(member: Member, situation: Situation): MembershipChange | undefined {
  if (entryOf(member, situation) || !mayJoin(member)) return undefined;
  // Never an id that a member had before: the set must not take the empty disk for the one it knew.
  const _id = Math.max(situation.identity.nextMemberId, highestId(situation.config) + 1);
  const joined = { _id, host: member.host, votes: 0 as const, priority: 0 };
  return reconfigure(situation, [...situation.config.members, joined], `${member.name} joins without a vote`);
}

/** It is known to be empty, or known to be of no other set; while it starts it may be either. */
function mayJoin(member: Member): boolean {
  return isHeldEmpty(member) || (isAnswering(member) && member.agent.replicaSet.state !== 'unknown');
}

/** Without a vote its empty disk can do no harm. */
function anAddedMemberStarts(member: Member, situation: Situation): MembershipChange | undefined {
  const entry = entryOf(member, situation);
  const at = reached(member);
  const pvcUid = member.claim?.metadata.uid;
  if (!entry || isVoter(entry) || !isHeldEmpty(member) || !at) return undefined;
  if (pvcUid === undefined || isBeingDeleted(member.claim)) return undefined;
  return {
    actions: [{ type: 'release', stack: situation.seen.stack, member: at, pvcUid }],
    why: `${member.name} starts and copies the data`,
  };
}

function entryOf({ host }: Member, { config }: Situation): ConfigMember | undefined {
  return config.members.find((entry) => entry.host === host);
}

function reconfigure(
  { seen, primaryAt, config }: Situation,
  members: readonly ConfigMember[],
  why: string,
): MembershipChange {
  const { stack } = seen;
  return {
    actions: [{ type: 'reconfigure', stack, member: primaryAt, expectedVersion: config.version, members }],
    why,
  };
}

function hasHealthyMajority(members: readonly ConfigMember[], { primary }: Situation): boolean {
  const voters = members.filter(isVoter);
  return healthyVoters(primary, voters) >= majorityOf(voters.length);
}
