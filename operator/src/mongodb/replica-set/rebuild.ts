import { persistentVolumeClaimKind, podKind } from '../../runtime/core-kinds.ts';
import type { Pod } from '../../runtime/core-kinds.ts';
import { changeIdentity, rebuildingText } from '../../stored/identity.ts';
import type { Rebuilding } from '../../stored/identity.ts';
import { addressOf, isAnswering, isFenced, isHeldEmpty, isTerminatingClaim, targetOf } from '../members/member.ts';
import { askedTexts, rebuildRequests, rebuiltText } from '../members/requests.ts';
import type { RebuildRequest } from '../members/requests.ts';
import type { Member, MongodbAction } from '../members/types.ts';
import { entryOf, leave } from './change.ts';
import type { Step } from './change.ts';
import type { CommandableSet } from './context.ts';
import { endOfMongod } from './fencing.ts';

/**
 * A member begins anew because somebody asked for it: on its own volume (`resync-member`) or on another one
 * (`replace-member`, or its Node was deleted). It leaves the set first, so that every acknowledged write is on a majority
 * of the others before a disk goes; then it is like any other member with an empty volume. What is under way is written
 * into the identity beforehand, so that an operator that dies in the middle neither forgets it nor does it twice.
 */
export function nextRebuildStep(set: CommandableSet): Step | undefined {
  const requests = rebuildRequests(set.seen);
  const { rebuilding, rebuilt } = set.identity;
  if (rebuilding) return goOn(rebuilding, requests, set);
  const next = requests.find(
    ({ what, member, isAsked }) => !isAsked || !rebuilt.includes(rebuiltText(what, member.ordinal)),
  );
  return next ? begin(next, set) : forget(set);
}

function goOn(rebuilding: Rebuilding, requests: readonly RebuildRequest[], set: CommandableSet): Step {
  const { seen, identity } = set;
  const member = seen.members.find(({ ordinal }) => ordinal === rebuilding.ordinal);
  if (!member || isRebuilt(rebuilding, member, set)) return finish(rebuilding, set);
  if (!requests.some((request) => request.member === member && request.what === rebuilding.what)) {
    const actions = [changeIdentity(seen.stack, identity, { rebuilding: '' })];
    return { actions, why: `${member.name} stays as it is: nobody asks to rebuild it any more` };
  }
  const entry = entryOf(member, set);
  const { name } = member;
  if (entry) return leave(entry, set, { name, why: `${name} leaves the set, to begin anew` });
  return rebuilding.what === 'volume' ? withAnotherVolume(member, set) : onItsOwnVolume(member, set);
}

function begin({ what, member }: RebuildRequest, set: CommandableSet): Step | undefined {
  const { ordinal, claim, name } = member;
  const claimUid = claim?.metadata.uid;
  if (claimUid === undefined) return undefined;
  const { seen, identity } = set;
  const how = what === 'volume' ? 'a new volume' : 'its volume emptied';
  const why = `${name} begins anew, with ${how}`;
  return {
    actions: [changeIdentity(seen.stack, identity, { rebuilding: rebuildingText({ what, ordinal, claimUid }) })],
    why,
    event: { type: 'Normal', reason: 'MemberRebuilds', message: why },
  };
}

/** So that the same may be asked for again. */
function forget({ seen, identity }: CommandableSet): Step | undefined {
  const asked = askedTexts(seen.stack);
  const rebuilt = identity.rebuilt.filter((text) => asked.includes(text));
  if (rebuilt.length === identity.rebuilt.length) return undefined;
  return {
    actions: [changeIdentity(seen.stack, identity, { rebuilt: rebuilt.join(',') })],
    why: 'what was rebuilt may be asked for again',
  };
}

function isRebuilt({ what, claimUid }: Rebuilding, member: Member, set: CommandableSet): boolean {
  if (member.claim?.metadata.uid !== claimUid) return true;
  if (what === 'volume') return false;
  return isHeldEmpty(member) && !isFenced(member) && !entryOf(member, set);
}

/** What was asked for is remembered until it is asked for no more, so that it is done once. */
function finish({ what, ordinal }: Rebuilding, { seen, identity }: CommandableSet): Step {
  const asked = askedTexts(seen.stack);
  const rebuilt = [...identity.rebuilt, rebuiltText(what, ordinal)].filter((text) => asked.includes(text));
  return {
    actions: [changeIdentity(seen.stack, identity, { rebuilding: '', rebuilt: rebuilt.join(',') })],
    why: `member ${ordinal} ${what === 'volume' ? 'has a new volume' : 'is empty'} and joins as a new one`,
  };
}

function withAnotherVolume({ claim, pod, name }: Member, { seen }: CommandableSet): Step {
  const actions: MongodbAction[] = [];
  if (claim && !isTerminatingClaim(claim)) {
    actions.push({ type: 'delete', kind: persistentVolumeClaimKind, target: targetOf(claim) });
  }
  if (pod) actions.push(...remove(pod, seen.now));
  return { actions, why: `${name} has left the set; its volume and pod go` };
}

/**
 * A kubelet that does not answer never confirms a pod's end, and no new pod comes before that. Its mongod has left the
 * set by then, so nothing depends on whether it still runs.
 */
function remove(pod: Pod, now: number): readonly MongodbAction[] {
  const ends = Date.parse(pod.metadata.deletionTimestamp ?? '');
  if (Number.isNaN(ends)) return [{ type: 'delete', kind: podKind, target: targetOf(pod) }];
  return now > ends ? [{ type: 'delete', kind: podKind, target: { ...targetOf(pod), gracePeriodSeconds: 0 } }] : [];
}

function onItsOwnVolume(member: Member, { seen: { stack } }: CommandableSet): Step {
  const { name, claim } = member;
  const at = addressOf(member);
  const pvcUid = claim?.metadata.uid;
  if (!at || pvcUid === undefined || !isAnswering(member)) {
    return { actions: [], why: `${name} has left the set; its agent has to answer before the volume is emptied` };
  }
  const { agent } = member;
  if (!isFenced(member)) {
    return {
      actions: [{ type: 'fence', stack, member: at, pvcUid, fenced: true }],
      why: `${name} has left the set and is fenced, to empty its volume`,
    };
  }
  if (agent.gate !== 'waiting') {
    return { actions: endOfMongod(member), why: `${name} has left the set; its mongod ends, to empty the volume` };
  }
  return { actions: [{ type: 'wipe', stack, member: at, pvcUid }], why: `the volume of ${name} is emptied` };
}
