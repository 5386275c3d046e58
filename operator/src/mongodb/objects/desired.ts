import { podDisruptionBudgetKind, podKind, serviceKind, statefulSetKind } from '../../runtime/core-kinds.ts';
import type { Millis } from '../../runtime/objects.ts';
import type { MongodbAction } from '../members/action.ts';
import { targetOf } from '../members/member.ts';
import type { MongodbObservation } from '../members/observation.ts';
import { membersTemplate } from './pod-template.ts';
import { membersBudget, membersService } from './service.ts';
import { membersStatefulSet } from './stateful-set.ts';
import { podsOnTerminatingVolumes, podsThatDoNotRun } from './stuck-pods.ts';
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
    ...askToCreatePods(seen),
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

/** When the StatefulSet's controller was last asked to try again. */
const RETRIED_ANNOTATION = 'authstack.dev/pods-retried-at';
const RETRY_EVERY: Millis = 10_000;

/**
 * After a refusal the StatefulSet's controller waits up to 16 minutes before it tries again, whatever was mended meanwhile;
 * any change of its object makes it try at once.
 */
function askToCreatePods({ statefulSet, podsNotCreated, now }: MongodbObservation): readonly MongodbAction[] {
  if (!statefulSet || !podsNotCreated) return [];
  const retriedAt = Date.parse(statefulSet.metadata.annotations?.[RETRIED_ANNOTATION] ?? '');
  if (now - retriedAt < RETRY_EVERY) return [];
  const patch = { metadata: { annotations: { [RETRIED_ANNOTATION]: new Date(now).toISOString() } } };
  return [{ type: 'patch', kind: statefulSetKind, target: targetOf(statefulSet), patch }];
}
