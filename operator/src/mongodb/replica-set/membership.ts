import {
  addressOf,
  isAnswering,
  isFenced,
  isHeldEmpty,
  isTerminating,
  isTerminatingClaim,
  isVoter,
  nameOfHost,
  ordinalOfHost,
} from '../members/member.ts';
import type { Member } from '../members/types.ts';
import { entryOf, highestId, leave, reconfigure } from './change.ts';
import type { Step } from './change.ts';
import type { CommandableSet } from './context.ts';

type Rule = (member: Member, set: CommandableSet) => Step | undefined;

/**
 * One step towards every member of the spec, and no other, being a voter. A voter whose disk is empty leaves first; then
 * those that are too many; then members that hold the data get their vote; then places are given to members that have
 * none. Each change waits until the one before is committed by a majority, and at most one vote changes in each.
 */
const rules: readonly Rule[] = [
  anEmptyVoterLeaves,
  aMemberTooManyLeaves,
  aMemberThatCaughtUpVotes,
  aMemberIsAdded,
  anAddedMemberStarts,
];

/** A member that is this close behind the primary may vote; the rest of the distance is replication's usual delay. */
export const CAUGHT_UP_SECONDS = 5;

/** What is done, or, where nothing can be, what each rule waits for. */
export function nextMembershipChange(set: CommandableSet): Step | undefined {
  const waiting: Step[] = [];
  for (const rule of rules) {
    for (const member of set.seen.members) {
      const change = rule(member, set);
      if (change && change.actions.length > 0) return change;
      if (change) waiting.push(change);
    }
  }
  return waiting.length === 0 ? undefined : { actions: [], why: waiting.map(({ why }) => why).join('; ') };
}

/** An empty disk in a voter's place could elect a primary that lacks acknowledged writes. */
function anEmptyVoterLeaves(member: Member, set: CommandableSet): Step | undefined {
  const entry = entryOf(member, set);
  if (!entry || !isVoter(entry) || !isHeldEmpty(member)) return undefined;
  const { name } = member;
  return leave(entry, set, { name, why: `${name} has an empty volume and leaves the set, to join it anew` });
}

/** Only the last one, so that those who stay are always the first. */
function aMemberTooManyLeaves({ host }: Member, set: CommandableSet): Step | undefined {
  const { members } = set.seen.stack.spec.mongodb;
  const last = set.config.members.toSorted((a, b) => ordinalOfHost(b.host) - ordinalOfHost(a.host))[0];
  if (last?.host !== host || ordinalOfHost(host) < members) return undefined;
  const name = nameOfHost(host);
  return leave(last, set, { name, why: `${name} leaves the set, which is to have ${members} members` });
}

function aMemberThatCaughtUpVotes(member: Member, set: CommandableSet): Step | undefined {
  const entry = entryOf(member, set);
  if (!isToTakePart(member, set) || !entry || isVoter(entry) || !isSecondary(member)) return undefined;
  const status = set.primary.set.members.find(({ host }) => host === member.host);
  const caughtUp =
    status?.state === 'SECONDARY' && status.health === 1 && (status.lagSeconds ?? Infinity) <= CAUGHT_UP_SECONDS;
  if (!caughtUp) return undefined;
  const members = set.config.members.map((other) =>
    other === entry ? { ...other, votes: 1 as const, priority: 1 } : other,
  );
  return reconfigure(set, members, `${member.name} holds the data and gets its vote`);
}

/** The primary may go by a heartbeat from before the member lost its disk; the member itself must say so as well. */
function isSecondary(member: Member): boolean {
  return (
    isAnswering(member) &&
    member.agent.replicaSet.state === 'initialized' &&
    member.agent.replicaSet.self === 'SECONDARY'
  );
}

function aMemberIsAdded(member: Member, set: CommandableSet): Step | undefined {
  if (!isToTakePart(member, set) || entryOf(member, set) || !mayJoin(member)) return undefined;
  // Never an id that a member had before: the set must not take the empty disk for the one it knew.
  const _id = Math.max(set.identity.nextMemberId, highestId(set.config) + 1);
  const joined = { _id, host: member.host, votes: 0 as const, priority: 0 };
  return reconfigure(set, [...set.config.members, joined], `${member.name} joins without a vote`);
}

/** Not one that is about to begin anew, before it has; nor one that was told to end, for the set would count on it. */
function isToTakePart(member: Member, { seen, identity }: CommandableSet): boolean {
  const { ordinal } = member;
  return (
    ordinal < seen.stack.spec.mongodb.members && identity.rebuilding?.ordinal !== ordinal && !isTerminating(member)
  );
}

/** It is known to be empty, or known to be of no other set; while it starts it may be either. */
function mayJoin(member: Member): boolean {
  if (!isAnswering(member) || isFenced(member)) return false;
  return member.agent.replicaSet.state !== 'unknown' || isHeldEmpty(member);
}

/** Without a vote its empty disk can do no harm. */
function anAddedMemberStarts(member: Member, set: CommandableSet): Step | undefined {
  const entry = entryOf(member, set);
  const at = addressOf(member);
  const pvcUid = member.claim?.metadata.uid;
  if (!isToTakePart(member, set) || !entry || isVoter(entry) || !at || !isHeldEmpty(member)) return undefined;
  if (pvcUid === undefined || isTerminatingClaim(member.claim) || isFenced(member)) return undefined;
  return {
    actions: [{ type: 'release', stack: set.seen.stack, member: at, pvcUid }],
    why: `${member.name} starts and copies the data`,
  };
}
