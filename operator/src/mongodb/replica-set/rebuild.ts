import { persistentVolumeClaimKind, podKind } from '../../runtime/core-kinds.ts';
import type { Pod } from '../../runtime/core-kinds.ts';
import type { Millis } from '../../runtime/objects.ts';
import { changeIdentity } from '../../stored/identity.ts';
import type { IdentityChange, Rebuilding } from '../../stored/identity.ts';
import type { MongodbAction } from '../members/action.ts';
import {
  addressOf,
  isAnswering,
  isFenced,
  isHeldEmpty,
  isTerminatingClaim,
  stackRef,
  targetOf,
} from '../members/member.ts';
import type { Member } from '../members/observation.ts';
import { isStillAsked, rebuildRequests, sameRequest } from '../members/requests.ts';
import type { RebuildRequest } from '../members/requests.ts';
import type { CommandableSet } from './context.ts';
import { endOfMongod } from './fencing.ts';
import { entryOf, leave } from './step.ts';
import type { Step } from './step.ts';

/**
 * A member begins anew because somebody asked for it: on its own volume (`resync-member`) or on another one
 * (`replace-member`, or its Node was deleted). It leaves the set first, so that every acknowledged write is on a majority
 * of the others before a disk goes; then it is like any other member with an empty volume. What is under way is stored in
 * the identity beforehand, so that an operator that dies in the middle neither forgets it nor does it twice.
 *
 *   request ► store `rebuilding` ► leave the set ┬ volume: delete claim and pod ──────┬► store `rebuilt` ► joins like any
 *                                                └ data: fence ► end mongod ► wipe ───┘                    empty member
 */
export function nextRebuildStep(set: CommandableSet): Step | undefined {
  const requests = rebuildRequests(set.seen);
  const { rebuilding, rebuilt } = set.identity;
  if (rebuilding) return continueRebuild(rebuilding, requests, set);
  const next = requests.find(
    ({ what, member: { ordinal }, isAnnotated }) =>
      !isAnnotated || !rebuilt.some((one) => sameRequest(one, { what, ordinal })),
  );
  return next ? begin(next, set) : forgetGranted(set);
}

function continueRebuild(rebuilding: Rebuilding, requests: readonly RebuildRequest[], set: CommandableSet): Step {
  const member = set.seen.members.find(({ ordinal }) => ordinal === rebuilding.ordinal);
  if (!member || isRebuilt(rebuilding, member, set)) return finish(rebuilding, set);
  const { name } = member;
  if (!requests.some((request) => request.member === member && request.what === rebuilding.what)) {
    return store(set, { rebuilding: undefined }, `Keeping ${name} as it is: the request to rebuild it was withdrawn`);
  }
  const entry = entryOf(member, set);
  if (entry) return leave(entry, set, { name, message: `Removing ${name} from the set, to rebuild it` });
  return rebuilding.what === 'volume' ? replaceVolume(member, set) : emptyVolume(member, set);
}

function begin({ what, member }: RebuildRequest, set: CommandableSet): Step | undefined {
  const { ordinal, claim, name } = member;
  const claimUid = claim?.metadata.uid;
  if (claimUid === undefined) return undefined;
  const message = `Rebuilding ${name} ${what === 'volume' ? 'on a new volume' : 'on its own volume'}`;
  return store(set, { rebuilding: { what, ordinal, claimUid } }, message, 'MemberRebuilds');
}

/** So that the same may be asked for again. */
function forgetGranted(set: CommandableSet): Step | undefined {
  const { seen, identity } = set;
  const rebuilt = identity.rebuilt.filter((one) => isStillAsked(seen.stack, one));
  if (rebuilt.length === identity.rebuilt.length) return undefined;
  return store(set, { rebuilt }, 'A granted request was withdrawn and can be made again');
}

function isRebuilt({ what, claimUid }: Rebuilding, member: Member, set: CommandableSet): boolean {
  if (member.claim?.metadata.uid !== claimUid) return true;
  if (what === 'volume') return false;
  return isHeldEmpty(member) && !isFenced(member) && !entryOf(member, set);
}

/** What was asked for is stored for as long as the annotation stays, so that it is done once. */
function finish({ what, ordinal }: Rebuilding, set: CommandableSet): Step {
  const { seen, identity } = set;
  const rebuilt = [...identity.rebuilt, { what, ordinal }].filter((one) => isStillAsked(seen.stack, one));
  const how = what === 'volume' ? 'has a new volume' : 'is empty';
  return store(set, { rebuilding: undefined, rebuilt }, `Member ${ordinal} ${how} and joins like a new one`);
}

function store(
  { seen, identity }: CommandableSet,
  change: IdentityChange,
  ...[message, reason]: [message: string, reason?: string]
): Step {
  const action = changeIdentity(seen.stack, identity, change);
  const event = reason === undefined ? {} : { event: { type: 'Normal', reason, message } as const };
  return { actions: [{ ...action, ...event }], message };
}

function replaceVolume({ claim, pod, name }: Member, { seen }: CommandableSet): Step {
  const actions: MongodbAction[] = [];
  if (claim && !isTerminatingClaim(claim)) {
    actions.push({ type: 'delete', kind: persistentVolumeClaimKind, target: targetOf(claim) });
  }
  if (pod) actions.push(...remove(pod, seen.now));
  return { actions, message: `Deleting the volume and the pod of ${name}, which has left the set` };
}

/**
 * A kubelet that does not answer never confirms the end of a pod, and no new pod comes before that. Its mongod has left
 * the set by then, so nothing depends on whether it still runs.
 */
function remove(pod: Pod, now: Millis): readonly MongodbAction[] {
  const endsAt = Date.parse(pod.metadata.deletionTimestamp ?? '');
  if (Number.isNaN(endsAt)) return [{ type: 'delete', kind: podKind, target: targetOf(pod) }];
  return now > endsAt ? [{ type: 'delete', kind: podKind, target: { ...targetOf(pod), gracePeriodSeconds: 0 } }] : [];
}

function emptyVolume(member: Member, { seen }: CommandableSet): Step {
  const { name, claim } = member;
  const stack = stackRef(seen.stack);
  const address = addressOf(member);
  const pvcUid = claim?.metadata.uid;
  if (!address || pvcUid === undefined || !isAnswering(member)) {
    return { actions: [], message: `${name} has left the set. Its agent has to answer before its volume is emptied` };
  }
  if (!isFenced(member)) {
    return {
      actions: [{ type: 'fence', stack, member: address, pvcUid, fenced: true }],
      message: `Fencing ${name}, which has left the set, to empty its volume`,
    };
  }
  if (member.agent.gate !== 'waiting') {
    return {
      actions: endOfMongod(member),
      message: `Ending mongod of ${name}, which has left the set, to empty its volume`,
    };
  }
  return { actions: [{ type: 'wipe', stack, member: address, pvcUid }], message: `Emptying the volume of ${name}` };
}
