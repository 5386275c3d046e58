import type { AuthStack } from '../api/auth-stack.ts';
import { STACK_LABEL, STACK_NAMESPACE_LABEL, namesOf, namespaceOf } from '../api/names.ts';
import type { Cluster, KubernetesAction } from '../runtime/cluster.ts';
import { deploymentKind, persistentVolumeClaimKind, secretKind, statefulSetKind } from '../runtime/core-kinds.ts';
import type { Kind, KubernetesObject } from '../runtime/objects.ts';
import type { RemovalPlan } from '../planning.ts';

export interface Kept {
  readonly kind: Kind;
  readonly object: KubernetesObject;
}

/** Every object of the stack that no owner reference removes, and the workloads that would create it anew. */
export interface RemovalObservation {
  readonly stack: AuthStack;
  /** StatefulSet and Deployment. */
  readonly workloads: readonly Kept[];
  /** Secrets, volumes and the copies in consumers' namespaces. */
  readonly kept: readonly Kept[];
}

export function observeRemoval(stack: AuthStack, cluster: Cluster): RemovalObservation {
  const namespace = namespaceOf(stack);
  const { name } = stack.metadata;
  const names = namesOf(name);
  const labels = { [STACK_LABEL]: name };
  const of = (kind: Kind, objects: readonly (KubernetesObject | undefined)[]): Kept[] =>
    objects.filter((object) => object !== undefined).map((object) => ({ kind, object }));
  return {
    stack,
    workloads: [
      ...of(statefulSetKind, [cluster.cached(statefulSetKind, { namespace, name: names.mongodb })]),
      ...of(deploymentKind, [cluster.cached(deploymentKind, { namespace, name: names.auth })]),
    ],
    kept: [
      ...of(persistentVolumeClaimKind, cluster.cachedList(persistentVolumeClaimKind, { namespace, labels })),
      ...of(secretKind, cluster.cachedList(secretKind, { labels })).filter(({ object }) => isOf(stack, object)),
    ],
  };
}

/** Copies carry the namespace of their stack: another namespace may have a stack of the same name. */
function isOf(stack: AuthStack, { metadata }: KubernetesObject): boolean {
  const home = metadata.labels?.[STACK_NAMESPACE_LABEL] ?? metadata.namespace;
  return home === namespaceOf(stack);
}

/**
 * Retain keeps volumes, Secrets and consumers' copies; Delete deletes each. Neither waits for a database, a pod or a node:
 * what is Terminating counts as gone, so a deletion always ends.
 */
export function planRemoval({
  stack,
  workloads,
  kept,
}: RemovalObservation): RemovalPlan<KubernetesAction, Readonly<Record<string, never>>> {
  // Exactly `Delete`: a spec of another schema may hold anything, and volumes do not come back.
  const remaining = stack.spec.deletionPolicy === 'Delete' ? kept.filter(isNotTerminating) : [];
  if (remaining.length === 0) return { ...nothing, done: true };
  const message = `spec.deletionPolicy is Delete: the operator deletes ${remaining.length} volumes and Secrets`;
  return {
    ...nothing,
    // First what would create new volumes and pods.
    actions: [...workloads.filter(isNotTerminating), ...remaining].map(remove),
    conditions: [{ type: 'Ready', status: 'False', reason: 'Deleting', message }],
    done: false,
  };
}

const nothing = { actions: [], conditions: [], status: {} } as const;

function isNotTerminating({ object }: Kept): boolean {
  return object.metadata.deletionTimestamp === undefined;
}

function remove({ kind, object: { metadata } }: Kept): KubernetesAction {
  const { name, namespace = '', uid = '' } = metadata;
  return { type: 'delete', kind, target: { namespace, name, uid } };
}
