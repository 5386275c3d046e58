import { podDisruptionBudgetKind, podKind, serviceKind, statefulSetKind } from '../runtime/core-kinds.ts';
import { membersBudget, membersService } from './service.ts';
import { membersStatefulSet } from './stateful-set.ts';
import { podsOnDyingVolumes, podsThatNeverRan } from './trouble.ts';
import type { MongodbAction, MongodbObservation } from './types.ts';

/** What has to stand for members to run. */
export function standing(
  seen: MongodbObservation,
  { version, replicas }: { readonly version: string; readonly replicas: number },
): readonly MongodbAction[] {
  const { stack, images } = seen;
  const object = membersStatefulSet(stack, { images, version, replicas });
  return [
    { type: 'apply', kind: serviceKind, object: membersService(stack) },
    ...(stack.spec.mongodb.members > 1
      ? [{ type: 'apply', kind: podDisruptionBudgetKind, object: membersBudget(stack) } as const]
      : []),
    { type: 'apply', kind: statefulSetKind, object },
    ...[...new Set([...podsThatNeverRan(seen), ...podsOnDyingVolumes(seen)])].map(({ metadata }) => {
      const target = { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid ?? '' };
      return { type: 'delete', kind: podKind, target } as const;
    }),
  ];
}
