import { memberHost, memberName } from '../members/addresses.ts';
import {
  addressOf,
  isAnswering,
  isFenced,
  isHeldEmpty,
  isTerminating,
  isTerminatingClaim,
  isVoter,
  stackRef,
} from '../members/member.ts';
import type { Member } from '../members/observation.ts';
import type { CommandableSet } from './context.ts';
import { entryOf, highestId, leave, reconfigure } from './step.ts';
import type { Step } from './step.ts';
import { ownOrdinals } from './topology.ts';

/*
 * The life of a member, and what the operator does at each arrow:
 *
 *                add, without a vote       start its mongod       give it its vote
 *   empty volume ───────────────────► added ─────────────► initial sync ───────► SECONDARY ◄──► PRIMARY
 *        ▲                                                                          │   step down
 *        └──────────── remove from the configuration, then wipe or replace ◄────────┘
 *
 * Each arrow waits until a majority has committed the one before, and changes at most one vote.
 */

type Rule = (member: Member, set: CommandableSet) => Step | undefined;

/**
 * One step towards every member of the spec, and no other of ours, being a voter. A voter whose disk is empty leaves first;
 * then surplus members; then members that hold the data get their vote; then members without a place are added.
 */
const rules: readonly Rule[] = [
  anEmptyVoterLeaves,
  aSurplusMemberLeaves,
  aMemberThatCaughtUpVotes,
  aMemberIsAdded,
  anAddedMemberStarts,
];

/** A member that is this close behind the primary may vote; the rest of the distance is replication's usual delay. */
export const CAUGHT_UP_SECONDS = 5;

/** What is done, or, where nothing can be, what each rule waits for. */
export function nextMembershipStep(set: CommandableSet): Step | undefined {
  const waiting: Step[] = [];
  for (const rule of rules) {
    for (const member of set.seen.members) {
      const step = rule(member, set);
      if (step && step.actions.length > 0) return step;
      if (step) waiting.push(step);
    }
  }
  return waiting.length === 0 ? undefined : { actions: [], message: waiting.map(({ message }) => message).join('. ') };
}

/** An empty disk in a voter's place could elect a primary that lacks acknowledged writes. */
function anEmptyVoterLeaves(member: Member, set: CommandableSet): Step | undefined {
  const entry = entryOf(member, set);
  if (!entry || !isVoter(entry) || !isHeldEmpty(member)) return undefined;
  const { name } = member;
  return leave(entry, set, { name, message: `Removing ${name} from the set: its volume is empty, so it joins anew` });
}

/** Only the last one, so that those who stay are always the first. */
function aSurplusMemberLeaves({ ordinal }: Member, set: CommandableSet): Step | undefined {
  const { stack } = set.seen;
  const { members } = stack.spec.mongodb;
  if (ordinal < members || Math.max(...ownOrdinals(set.seen, set.config)) !== ordinal) return undefined;
  const entry = set.config.members.find(({ host }) => host === memberHost(stack, ordinal));
  const name = memberName(stack, ordinal);
  return (
    entry && leave(entry, set, { name, message: `Removing ${name} from the set: spec.mongodb.members is ${members}` })
  );
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
  return reconfigure(set, members, `Giving ${member.name} its vote: it has caught up`);
}

/** The primary may go by a heartbeat from before the member lost its disk; the member itself must report it as well. */
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
  return reconfigure(set, [...set.config.members, joined], `Adding ${member.name} without a vote`);
}

/** Not one that is about to begin anew; nor one that is Terminating, for the set would count on it. */
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
  const address = addressOf(member);
  const pvcUid = member.claim?.metadata.uid;
  if (!isToTakePart(member, set) || !entry || isVoter(entry) || !address || !isHeldEmpty(member)) return undefined;
  if (pvcUid === undefined || isTerminatingClaim(member.claim) || isFenced(member)) return undefined;
  return {
    actions: [{ type: 'release', stack: stackRef(set.seen.stack), member: address, pvcUid }],
    message: `Starting ${member.name}, which then copies the data`,
  };
}
