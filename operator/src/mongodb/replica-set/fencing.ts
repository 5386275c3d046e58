import type { ConfigMember } from '@authstack/mongodb-agent/api';
import { podKind } from '../../runtime/core-kinds.ts';
import type { Initiated } from '../../stored/identity.ts';
import { addressOf, isAnswering, isFenced, isTerminating, targetOf } from '../members/member.ts';
import { annotations, fencedOrdinal } from '../members/requests.ts';
import type { Member, MongodbAction, MongodbObservation } from '../members/types.ts';
import { entryOf, handOver, lackOfMajority } from './change.ts';
import type { Step } from './change.ts';
import type { CommandableSet } from './context.ts';

/** Nobody asks for it any more; this needs no primary, for the fenced member may be the one that is missing. */
export function aMemberIsUnfenced(seen: MongodbObservation, identity: Initiated): Step | undefined {
  const wanted = fencedOrdinal(seen.stack);
  const member = seen.members
    .filter(isFenced)
    .find(({ ordinal }) => ordinal !== wanted && ordinal !== identity.rebuilding?.ordinal);
  const at = member && addressOf(member);
  const pvcUid = member?.claim?.metadata.uid;
  if (!member || !at || pvcUid === undefined) return undefined;
  return {
    actions: [{ type: 'fence', stack: seen.stack, member: at, pvcUid, fenced: false }],
    why: `${member.name} is no longer fenced`,
  };
}

/** It keeps its place and its vote, and its mongod is held for as long as the annotation stays. */
export function aMemberIsFenced(set: CommandableSet): Step | undefined {
  const ordinal = fencedOrdinal(set.seen.stack);
  const member = set.seen.members.filter(isAnswering).find((one) => one.ordinal === ordinal);
  if (!member || (member.agent.gate === 'waiting' && isFenced(member))) return undefined;
  const lack = lackOfMajority(configWithout(member, set), set);
  if (lack !== undefined) return { actions: [], why: `${member.name} is not fenced: without it ${lack}` };
  const isPrimary = member.host === set.primary.host;
  if (isPrimary) return handOver(set, `${member.name} hands over before it is fenced`);
  return isFenced(member) ? end(member) : fence(member, set);
}

/** As the others would see it: the place stays, and nobody is there. */
function configWithout(member: Member, set: CommandableSet): readonly ConfigMember[] {
  const own = entryOf(member, set);
  return set.config.members.map((entry) => (entry === own ? { ...entry, host: '' } : entry));
}

function fence(member: Member, { seen }: CommandableSet): Step | undefined {
  const at = addressOf(member);
  const pvcUid = member.claim?.metadata.uid;
  if (!at || pvcUid === undefined) return undefined;
  return {
    actions: [{ type: 'fence', stack: seen.stack, member: at, pvcUid, fenced: true }],
    why: `${member.name} is fenced (annotation ${annotations.fence})`,
  };
}

function end(member: Member): Step {
  return { actions: endOfMongod(member), why: `${member.name} is fenced, and its mongod ends` };
}

/**
 * Of a fenced member: its pod is made anew, unless its mongod is on its way out or was never let go. One that has not come
 * to its gate yet will be held there; deleted in that moment, its shell can miss the signal, and the pod would be there, and
 * bound to go, for the whole grace period.
 */
export function endOfMongod(member: Member): readonly MongodbAction[] {
  const { pod, agent } = member;
  if (!pod || isTerminating(member) || agent === 'unknown' || agent.gate !== 'released') return [];
  return [{ type: 'delete', kind: podKind, target: targetOf(pod) }];
}
