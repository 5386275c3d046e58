import type { ConfigMember } from '@authstack/mongodb-agent/api';
import { podKind } from '../../runtime/core-kinds.ts';
import type { MongodbAction } from '../members/action.ts';
import { addressOf, isAnswering, isFenced, isTerminating, stackRef, targetOf } from '../members/member.ts';
import type { Member } from '../members/observation.ts';
import { annotations, fencedOrdinal } from '../members/requests.ts';
import { acting } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import type { CommandableSet, ReplicaSetContext } from './context.ts';
import { keepRunning } from './keep-running.ts';
import { entryOf, lackOfMajority, stepDown } from './step.ts';
import type { Step } from './step.ts';

/** The annotation was removed; this needs no primary, for the fenced member may be the one that is missing. */
export function aMemberIsNoLongerFenced(context: ReplicaSetContext): DatabaseVerdict | undefined {
  const { seen, identity } = context;
  const wanted = fencedOrdinal(seen.stack);
  const member = seen.members
    .filter(isFenced)
    .find(({ ordinal }) => ordinal !== wanted && ordinal !== identity.rebuilding?.ordinal);
  const address = member && addressOf(member);
  const pvcUid = member?.claim?.metadata.uid;
  if (!member || !address || pvcUid === undefined) return undefined;
  const stack = stackRef(seen.stack);
  const action = { type: 'fence', stack, member: address, pvcUid, fenced: false } as const;
  return acting('False', 'Starting', `Removing the fence of ${member.name}`, keepRunning(context, [action]));
}

/** It keeps its place and its vote, and its mongod is held for as long as the annotation stays. */
export function nextFencingStep(set: CommandableSet): Step | undefined {
  const ordinal = fencedOrdinal(set.seen.stack);
  const member = set.seen.members.filter(isAnswering).find((one) => one.ordinal === ordinal);
  if (!member || (member.agent.gate === 'waiting' && isFenced(member))) return undefined;
  const lack = lackOfMajority(configWithout(member, set), set);
  if (lack !== undefined) return { actions: [], message: `Not fencing ${member.name}: without it ${lack}` };
  const isPrimary = member.host === set.primary.host;
  if (isPrimary) return stepDown(set, `${member.name} steps down before it is fenced`);
  return isFenced(member) ? end(member) : fence(member, set);
}

/** As the others would see it: the place stays, and nobody is there. */
function configWithout(member: Member, set: CommandableSet): readonly ConfigMember[] {
  const own = entryOf(member, set);
  return set.config.members.map((entry) => (entry === own ? { ...entry, host: '' } : entry));
}

function fence(member: Member, { seen }: CommandableSet): Step | undefined {
  const address = addressOf(member);
  const pvcUid = member.claim?.metadata.uid;
  if (!address || pvcUid === undefined) return undefined;
  return {
    actions: [{ type: 'fence', stack: stackRef(seen.stack), member: address, pvcUid, fenced: true }],
    message: `Fencing ${member.name} (annotation ${annotations.fence})`,
  };
}

function end(member: Member): Step {
  return { actions: endOfMongod(member), message: `${member.name} is fenced; ending its mongod` };
}

/**
 * Of a fenced member: its pod is replaced, unless its mongod is about to end or was never started. One that has not come
 * to its gate yet will be held there; deleted in that moment, its shell can miss the signal, and the pod would stay
 * Terminating for the whole grace period.
 */
export function endOfMongod(member: Member): readonly MongodbAction[] {
  const { pod, agent } = member;
  if (!pod || isTerminating(member) || agent === 'unknown' || agent.gate !== 'released') return [];
  return [{ type: 'delete', kind: podKind, target: targetOf(pod) }];
}
