import { listed } from '../../runtime/listed.ts';
import { podKind } from '../../runtime/core-kinds.ts';
import { nameOfHost } from '../members/addresses.ts';
import { isAnswering, isTerminating, targetOf } from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/observation.ts';
import { isOutdated } from '../objects/pod-template.ts';
import type { CommandableSet } from './context.ts';
import { CAUGHT_UP_SECONDS } from './membership.ts';
import { membersNotReportingHealthy, stepDown } from './step.ts';
import type { Step } from './step.ts';

/**
 * One step of a rolling restart, for a new pod template or because `kubectl rollout restart` asked for it. What does not
 * run anyway goes first, then secondaries from the last to the first, then the primary, which steps down before; and each
 * only while all others are healthy.
 */
export function nextRestart(set: CommandableSet): Step | undefined {
  const { seen, primary } = set;
  const outdated = membersToRestart(seen);
  if (outdated.length === 0) return undefined;
  const broken = outdated.find(isBroken);
  if (broken) return restart(broken, 'its mongod does not run');
  const missing = [
    ...set.unhealthy.map(({ why }) => why),
    ...membersNotReportingHealthy(set).map(({ name }) => `${name} does not report itself healthy`),
    ...laggards(set),
  ];
  const names = listed(outdated.map(({ name }) => name));
  if (missing.length > 0) return { actions: [], message: `${names} restart once this is over: ${listed(missing)}` };
  const secondary = outdated.toReversed().find(({ host }) => host !== primary.host);
  if (secondary) return restart(secondary, 'its pod is outdated');
  const [last] = outdated;
  if (!last) return undefined;
  if (seen.stack.spec.mongodb.members > 1) return stepDown(set, `${last.name} steps down before its restart`);
  return restart(last, 'its pod is outdated; the database has no other member and is away meanwhile');
}

/** Pods that a new one would differ from. */
export function membersToRestart({ members, statefulSet, stack }: MongodbObservation): readonly Member[] {
  return members.filter(
    (member) =>
      member.pod !== undefined &&
      member.ordinal < stack.spec.mongodb.members &&
      !isTerminating(member) &&
      isOutdated(member.pod, statefulSet),
  );
}

function isBroken(member: Member): boolean {
  return isAnswering(member) && member.agent.mongod.state === 'down';
}

function restart({ pod, name }: Member, cause: string): Step | undefined {
  if (!pod) return undefined;
  const message = `Restarting ${name}: ${cause}`;
  const event = { type: 'Normal', reason: 'MemberRestarts', message } as const;
  return { actions: [{ type: 'delete', kind: podKind, target: targetOf(pod), event }], message };
}

function laggards({ seen, primary }: CommandableSet): readonly string[] {
  return primary.set.members
    .filter(({ lagSeconds = 0 }) => lagSeconds > CAUGHT_UP_SECONDS)
    .map(({ host, lagSeconds = 0 }) => `${nameOfHost(seen.stack, host)} is ${Math.round(lagSeconds)}s behind`);
}
