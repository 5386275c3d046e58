import { initializedMembers, isEnding, isVoter, nameOfHost, primaryOf } from './members.ts';
import type { InitializedMember } from './members.ts';
import { says } from './step.ts';
import type { Step } from './step.ts';
import { resyncHint, troubleOf } from './trouble.ts';
import type { DatabaseReadyReason, Founded, MongodbObservation } from './types.ts';
import type { ConfigMember, ObservedMember } from '@authstack/mongodb-agent/api';

/** The set as it looks from where it can be seen best. */
export interface View {
  readonly seenBy: InitializedMember;
  readonly primaryHost: string;
}

/** Those that are to be in the set, and those that still are. */
export function membersOf({ stack }: MongodbObservation, identity: Founded): number {
  return Math.max(stack.spec.mongodb.members, identity.members);
}

/** From the primary; while its agent cannot be asked, from a secondary that sees it. */
export function viewOf({ members }: MongodbObservation, { replicaSetId }: Founded): View | undefined {
  const own = initializedMembers(members).filter(({ set }) => set.replicaSetId === replicaSetId);
  const primary = primaryOf(own);
  if (primary) return { seenBy: primary, primaryHost: primary.host };
  for (const seenBy of own.toSorted(byNewestConfig)) {
    const seen = seenBy.set.members.find(({ state, health }) => state === 'PRIMARY' && health === 1);
    if (seenBy.set.self === 'SECONDARY' && seen) return { seenBy, primaryHost: seen.host };
  }
  return undefined;
}

export function byNewestConfig(a: InitializedMember, b: InitializedMember): number {
  const [newest, other] = [b.set.config, a.set.config];
  return newest.term - other.term || newest.version - other.version || a.ordinal - b.ordinal;
}

/** Whether a write would be acknowledged by a majority now. */
export function servesMajority({ seenBy }: View): boolean {
  const voters = seenBy.set.config.members.filter(isVoter);
  return healthyVoters(seenBy, voters) >= majorityOf(voters.length);
}

export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** Of these voters, how many are seen serving. */
export function healthyVoters({ set }: InitializedMember, voters: readonly ConfigMember[]): number {
  return voters.filter(({ host }) => serves(set.members.find((member) => member.host === host))).length;
}

export function serves(status: ObservedMember | undefined): boolean {
  return status?.health === 1 && (status.state === 'PRIMARY' || status.state === 'SECONDARY');
}

/** What is to be said besides how the members are, although they serve. */
export interface Note {
  readonly reason: DatabaseReadyReason;
  readonly message: string;
}

interface Standing {
  readonly view: View;
  /** What is being done about what is missing. */
  readonly doing: string | undefined;
  readonly notes: readonly Note[];
}

/** How a founded set stands. */
export function healthOf(seen: MongodbObservation, identity: Founded, { view, doing, notes }: Standing): Step {
  const { members: wanted } = seen.stack.spec.mongodb;
  const missing = whoDoesNotServe(seen, view);
  if (missing.length === 0 && servesMajority(view)) return allServe(seen, identity, { view, doing, notes });

  const trouble = troubleOf(seen);
  const what = [...missing, doing, trouble?.message, whoMayBeStuck(seen, view), ...notes.map(({ message }) => message)]
    .filter((text) => text !== undefined)
    .join('; ');
  if (!servesMajority(view)) {
    const voters = view.seenBy.set.config.members.filter(isVoter);
    const healthy = healthyVoters(view.seenBy, voters);
    return says('False', 'NoPrimary', `only ${healthy} of ${voters.length} voting members are seen serving: ${what}`);
  }
  const counts = `${wanted - missing.length} of ${wanted} members serve`;
  // From its founding on until it first was whole, a set is not offered to people who asked for three copies.
  if (!identity.formed) return says('False', trouble?.reason ?? 'Starting', `${counts}: ${what}`);
  return says('True', 'Degraded', `${counts}, writes go on: ${what}`);
}

function allServe(seen: MongodbObservation, { formed }: Founded, { view, doing, notes }: Standing): Step {
  const { seenBy, primaryHost } = view;
  const primary = nameOfHost(primaryHost);
  const count = seen.stack.spec.mongodb.members;
  const serve = count === 1 ? 'its one member serves' : `all ${count} members serve`;
  if (seenBy.host === primaryHost) {
    const reason = notes[0]?.reason ?? 'AllMembersHealthy';
    const more = [doing, ...notes.map(({ message }) => message)].filter((text) => text !== undefined);
    return says('True', reason, [`${serve}; ${primary} is primary`, ...more].join('; '));
  }
  const message = `${serve}; the agent of the primary ${primary} does not answer`;
  return formed ? says('True', 'Degraded', message) : says('False', 'Starting', message);
}

/** A member that fell behind what the others still remember stays so for ever, and says no more than one that catches up. */
function whoMayBeStuck({ stack, members }: MongodbObservation, { seenBy: { set } }: View): string | undefined {
  const stuck = members.find(({ host }) =>
    set.members.some((member) => member.host === host && member.health === 1 && member.state === 'RECOVERING'),
  );
  return stuck && `if ${stuck.name} stays in RECOVERING, ${resyncHint(stack, stuck.ordinal)}`;
}

export function whoDoesNotServe({ stack, members }: MongodbObservation, { seenBy: { set } }: View): readonly string[] {
  return members
    .filter(({ ordinal }) => ordinal < stack.spec.mongodb.members)
    .flatMap((member) => {
      const { name, host } = member;
      const entry = set.config.members.find((other) => other.host === host);
      if (!entry) return [`${name} is not in the set`];
      const status = set.members.find((other) => other.host === host);
      if (!serves(status)) {
        return [`${name} is ${status?.health === 1 ? status.state : 'not reached by the other members'}`];
      }
      if (!isVoter(entry)) return [`${name} has no vote yet`];
      return isEnding(member) ? [`${name} is about to end`] : [];
    });
}

/** Whatever else is wrong: as long as a whole set takes writes, people are served, and the condition says so. */
export function asServed(seen: MongodbObservation, step: Step): Step {
  const { identity } = seen;
  if (step.status === 'True' || identity.state !== 'founded' || !identity.formed) return step;
  const view = viewOf(seen, identity);
  if (!view || !servesMajority(view)) return step;
  return { ...step, status: 'True', reason: 'Degraded', message: `writes go on; ${step.message}` };
}
