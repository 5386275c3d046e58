import { podKind } from '../../runtime/core-kinds.ts';
import type { Pod } from '../../runtime/core-kinds.ts';
import { isAnswering, isTerminating, nameOfHost, targetOf } from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/types.ts';
import { templateIdIn, templateIdOf } from '../objects/stateful-set.ts';
import { handOver, membersNotReportingHealthy } from './change.ts';
import type { Step } from './change.ts';
import { unhealthyMembers } from './topology.ts';
import type { CommandableSet } from './context.ts';
import { CAUGHT_UP_SECONDS } from './membership.ts';

/**
 * One step towards every pod being of the StatefulSet's template. What does not run anyway goes first, then secondaries
 * from the last to the first, then the primary, which hands over before; and each only while all others serve.
 */
export function nextRestart(set: CommandableSet): Step | undefined {
  const { seen, primary } = set;
  const stale = membersToRestart(seen);
  if (stale.length === 0) return undefined;
  const broken = stale.find(isBroken);
  if (broken) return restart(broken, 'does not run and gets the new template');
  const missing = [
    ...unhealthyMembers(seen, { reporter: primary, primaryHost: primary.host }),
    ...membersNotReportingHealthy(set).map(({ name }) => `${name} does not say that it serves`),
    ...laggards(set),
  ];
  const names = stale.map(({ name }) => name).join(', ');
  if (missing.length > 0) return { actions: [], why: `${names} wait for their restart: ${missing.join('; ')}` };
  const secondary = stale.toReversed().find(({ host }) => host !== primary.host);
  if (secondary) return restart(secondary, 'restarts with the new template');
  const [last] = stale;
  if (!last) return undefined;
  if (seen.stack.spec.mongodb.members > 1) return handOver(set, `${last.name} hands over before its restart`);
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
      !isTerminating(member) &&
      templateIdOf(member.pod) !== current,
  );
}

function isBroken(member: Member): boolean {
  return isAnswering(member) && member.agent.mongod.state === 'down';
}

function restart({ pod, name }: Member, how: string): Step | undefined {
  if (!pod) return undefined;
  const why = `${name} ${how}`;
  return {
    actions: [{ type: 'delete', kind: podKind, target: targetOf(pod satisfies Pod) }],
    why,
    event: { type: 'Normal', reason: 'MemberRestarts', message: why },
  };
}

function laggards({ primary }: CommandableSet): readonly string[] {
  return primary.set.members
    .filter(({ lagSeconds = 0 }) => lagSeconds > CAUGHT_UP_SECONDS)
    .map(({ host, lagSeconds = 0 }) => `${nameOfHost(host)} is ${Math.round(lagSeconds)} s behind`);
}
