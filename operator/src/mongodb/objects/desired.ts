import { podDisruptionBudgetKind, podKind, serviceKind, statefulSetKind } from '../../runtime/core-kinds.ts';
import type { MongodbAction } from '../members/action.ts';
import { targetOf } from '../members/member.ts';
import type { MongodbObservation } from '../members/observation.ts';
import { podsOnTerminatingVolumes, podsThatDoNotRun } from './diagnosis.ts';
import { membersTemplate } from './pod-template.ts';
import { membersBudget, membersService } from './service.ts';
import { membersStatefulSet } from './stateful-set.ts';
import { replaceOlderStatefulSet, volumeSize } from './volume-size.ts';

/** Everything that Kubernetes needs to run members. */
export function desiredObjects(
  seen: MongodbObservation,
  { version, replicas }: { readonly version: string; readonly replicas: number },
): readonly MongodbAction[] {
  const { stack } = seen;
  const { template } = membersTemplate(seen, version);
  const object = membersStatefulSet(stack, { replicas, template, size: volumeSize(seen) });
  return [
    { type: 'apply', kind: serviceKind, object: membersService(stack) },
    ...desiredBudget(seen),
    ...(replaceOlderStatefulSet(seen) ?? [{ type: 'apply', kind: statefulSetKind, object } as const]),
    ...[...new Set([...podsThatDoNotRun(seen), ...podsOnTerminatingVolumes(seen)])].map(
      (pod) => ({ type: 'delete', kind: podKind, target: targetOf(pod) }) as const,
    ),
  ];
}

function desiredBudget({ stack, budget }: MongodbObservation): readonly MongodbAction[] {
  if (stack.spec.mongodb.members > 1) {
    return [{ type: 'apply', kind: podDisruptionBudgetKind, object: membersBudget(stack) }];
  }
  const isThere = budget !== undefined && budget.metadata.deletionTimestamp === undefined;
  return isThere ? [{ type: 'delete', kind: podDisruptionBudgetKind, target: targetOf(budget) }] : [];
}
