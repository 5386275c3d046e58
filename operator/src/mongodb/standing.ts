import { podDisruptionBudgetKind, podKind, serviceKind, statefulSetKind } from '../runtime/core-kinds.ts';
import { claimTemplateIsOlder, volumeSize } from './growth.ts';
import { targetOf } from './members.ts';
import { membersBudget, membersService } from './service.ts';
import { membersStatefulSet } from './stateful-set.ts';
import { podsOnDyingVolumes, podsThatDoNotRun } from './trouble.ts';
import type { MongodbAction, MongodbObservation } from './types.ts';
import { membersTemplate } from './updates.ts';

/** What has to stand for members to run. */
export function standing(
  seen: MongodbObservation,
  { version, replicas }: { readonly version: string; readonly replicas: number },
): readonly MongodbAction[] {
  const { stack } = seen;
  const { template } = membersTemplate(seen, version);
  const object = membersStatefulSet(stack, { replicas, template, size: volumeSize(seen) });
  return [
    { type: 'apply', kind: serviceKind, object: membersService(stack) },
    ...standingBudget(seen),
    ...(claimTemplateIsOlder(seen)?.actions ?? [{ type: 'apply', kind: statefulSetKind, object } as const]),
    ...[...new Set([...podsThatDoNotRun(seen), ...podsOnDyingVolumes(seen)])].map(
      (pod) => ({ type: 'delete', kind: podKind, target: targetOf(pod) }) as const,
    ),
  ];
}

function standingBudget({ stack, budget }: MongodbObservation): readonly MongodbAction[] {
  if (stack.spec.mongodb.members > 1) {
    return [{ type: 'apply', kind: podDisruptionBudgetKind, object: membersBudget(stack) }];
  }
  const isThere = budget !== undefined && budget.metadata.deletionTimestamp === undefined;
  return isThere ? [{ type: 'delete', kind: podDisruptionBudgetKind, target: targetOf(budget) }] : [];
}
