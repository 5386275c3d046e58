import type { ConfigMember } from '@authstack/mongodb-agent/api';
import { podKind } from '../runtime/core-kinds.ts';
import { isAnswering, isEnding, isFenced, reached, targetOf } from './members.ts';
import { annotations, fencedOrdinal } from './requests.ts';
import { entryOf, handOver, lackOfMajority } from './situation.ts';
import type { Change, Situation } from './situation.ts';
import type { Founded, Member, MongodbAction, MongodbObservation } from './types.ts';

/** Nobody asks for it any more; this needs no primary, for the fenced member may be the one that is missing. */
export function aMemberIsUnfenced(seen: MongodbObservation, identity: Founded): Change | undefined {
  const wanted = fencedOrdinal(seen.stack);
  const member = seen.members
    .filter(isFenced)
    .find(({ ordinal }) => ordinal !== wanted && ordinal !== identity.rebuilding?.ordinal);
  const at = member && reached(member);
  const pvcUid = member?.claim?.metadata.uid;
  if (!member || !at || pvcUid === undefined) return undefined;
  return {
    actions: [{ type: 'fence', stack: seen.stack, member: at, pvcUid, fenced: false }],
    why: `${member.name} is no longer fenced`,
  };
}

/** It keeps its place and its vote, and its mongod is held for as long as the annotation stays. */
export function aMemberIsFenced(situation: Situation): Change | undefined {
  const ordinal = fencedOrdinal(situation.seen.stack);
  const member = situation.seen.members.filter(isAnswering).find((one) => one.ordinal === ordinal);
  if (!member || (member.agent.gate === 'waiting' && isFenced(member))) return undefined;
  const lack = lackOfMajority(configWithout(member, situation), situation);
  if (lack !== undefined) return { actions: [], why: `${member.name} is not fenced: without it ${lack}` };
  const isPrimary = member.host === situation.primary.host;
  if (isPrimary) return handOver(situation, `${member.name} hands over before it is fenced`);
  return isFenced(member) ? end(member) : fence(member, situation);
}

/** As the others would see it: the place stays, and nobody is there. */
function configWithout(member: Member, situation: Situation): readonly ConfigMember[] {
  const own = entryOf(member, situation);
  return situation.config.members.map((entry) => (entry === own ? { ...entry, host: '' } : entry));
}

function fence(member: Member, { seen }: Situation): Change | undefined {
  const at = reached(member);
  const pvcUid = member.claim?.metadata.uid;
  if (!at || pvcUid === undefined) return undefined;
  return {
    actions: [{ type: 'fence', stack: seen.stack, member: at, pvcUid, fenced: true }],
    why: `${member.name} is fenced (annotation ${annotations.fence})`,
  };
}

function end(member: Member): Change {
  return { actions: endOfMongod(member), why: `${member.name} is fenced, and its mongod ends` };
}

/**
 * Of a fenced member: its pod is made anew, unless its mongod is on its way out or was never let go. One that has not come
 * to its gate yet will be held there; deleted in that moment, its shell can miss the signal, and the pod would be there, and
 * bound to go, for the whole grace period.
 */
export function endOfMongod(member: Member): readonly MongodbAction[] {
  const { pod, agent } = member;
  if (!pod || isEnding(member) || agent === 'unknown' || agent.gate !== 'released') return [];
  return [{ type: 'delete', kind: podKind, target: targetOf(pod) }];
}
