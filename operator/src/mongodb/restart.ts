import { podKind } from '../runtime/core-kinds.ts';
import type { Pod } from '../runtime/core-kinds.ts';
import { isAnswering, isEnding, nameOfHost, targetOf } from './members.ts';
import { CAUGHT_UP_SECONDS } from './membership.ts';
import { whoDoesNotServe } from './serving.ts';
import { handOver, membersNotSaying } from './situation.ts';
import type { Change, Situation } from './situation.ts';
import { templateIdIn, templateIdOf } from './stateful-set.ts';
import type { Member, MongodbObservation } from './types.ts';

/**
 * One step towards every pod being of the StatefulSet's template. What does not run anyway goes first, then secondaries
 * from the last to the first, then the primary, which hands over before; and each only while all others serve.
 */
export function nextRestart(situation: Situation): Change | undefined {
  const { seen, primary } = situation;
  const stale = membersToRestart(seen);
  if (stale.length === 0) return undefined;
  const broken = stale.find(isBroken);
  if (broken) return restart(broken, 'does not run and gets the new template');
  const missing = [
    ...whoDoesNotServe(seen, { seenBy: primary, primaryHost: primary.host }),
    ...membersNotSaying(situation).map(({ name }) => `${name} does not say that it serves`),
    ...laggards(situation),
  ];
  const names = stale.map(({ name }) => name).join(', ');
  if (missing.length > 0) return { actions: [], why: `${names} wait for their restart: ${missing.join('; ')}` };
  const secondary = stale.toReversed().find(({ host }) => host !== primary.host);
  if (secondary) return restart(secondary, 'restarts with the new template');
  const [last] = stale;
  if (!last) return undefined;
  if (seen.stack.spec.mongodb.members > 1) return handOver(situation, `${last.name} hands over before its restart`);
  return restart(last, 'restarts with the new template; being alone it serves nobody meanwhile');
}

/** Pods of another template than the StatefulSet's; none while its controller may still make pods of an older one. */
export function membersToRestart({ members, statefulSet, stack }: MongodbObservation): readonly Member[] {
  const current = templateIdIn(statefulSet);
  if (current === undefined) return [];
  return members.filter(
    (member) =>
      member.pod !== undefined &&
      member.ordinal < stack.spec.mongodb.members &&
      !isEnding(member) &&
      templateIdOf(member.pod) !== current,
  );
}

function isBroken(member: Member): boolean {
  return isAnswering(member) && member.agent.mongod.state === 'down';
}

function restart({ pod, name }: Member, how: string): Change | undefined {
  if (!pod) return undefined;
  const why = `${name} ${how}`;
  return {
    actions: [{ type: 'delete', kind: podKind, target: targetOf(pod satisfies Pod) }],
    why,
    event: { type: 'Normal', reason: 'MemberRestarts', message: why },
  };
}

function laggards({ primary }: Situation): readonly string[] {
  return primary.set.members
    .filter(({ lagSeconds = 0 }) => lagSeconds > CAUGHT_UP_SECONDS)
    .map(({ host, lagSeconds = 0 }) => `${nameOfHost(host)} is ${Math.round(lagSeconds)} s behind`);
}
