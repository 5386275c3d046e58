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

/** Everything of the stack that no owner reference takes away, and what would make it anew. */
export interface RemovalObservation {
  readonly stack: AuthStack;
  /** StatefulSet and Deployment. */
  readonly makers: readonly Kept[];
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
    makers: [
      ...of(statefulSetKind, [cluster.cached(statefulSetKind, { namespace, name: names.mongodb })]),
      ...of(deploymentKind, [cluster.cached(deploymentKind, { namespace, name: names.auth })]),
    ],
    kept: [
      ...of(persistentVolumeClaimKind, cluster.cachedList(persistentVolumeClaimKind, { namespace, labels })),
      ...of(secretKind, cluster.cachedList(secretKind, { labels })).filter(({ object }) => isOf(stack, object)),
    ],
  };
}

/** Copies in other namespaces say whose they are; another namespace may have a stack of the same name. */
function isOf(stack: AuthStack, { metadata }: KubernetesObject): boolean {
  const home = metadata.labels?.[STACK_NAMESPACE_LABEL] ?? metadata.namespace;
  return home === namespaceOf(stack);
}

/**
 * Retain leaves volumes, Secrets and consumers' copies where they are; Delete asks for each to go. Neither waits for a
 * database, a pod or a node: what is being deleted counts as gone, so a deletion always ends.
 */
export function planRemoval({
  stack,
  makers,
  kept,
}: RemovalObservation): RemovalPlan<KubernetesAction, Readonly<Record<string, never>>> {
  // Only the very word: a spec of another schema may say anything, and volumes do not come back.
  const remaining = stack.spec.deletionPolicy === 'Delete' ? kept.filter(isThere) : [];
  if (remaining.length === 0) return { ...nothing, done: true };
  const message = `deletionPolicy is Delete: ${remaining.length} volumes and Secrets are being removed`;
  return {
    ...nothing,
    // First what would make new volumes and pods.
    actions: [...makers.filter(isThere), ...remaining].map(remove),
    conditions: [{ type: 'Ready', status: 'False', reason: 'Deleting', message }],
    done: false,
  };
}

const nothing = { actions: [], conditions: [], status: {} } as const;

function isThere({ object }: Kept): boolean {
  return object.metadata.deletionTimestamp === undefined;
}

function remove({ kind, object: { metadata } }: Kept): KubernetesAction {
  const { name, namespace = '', uid = '' } = metadata;
  return { type: 'delete', kind, target: { namespace, name, uid } };
}
