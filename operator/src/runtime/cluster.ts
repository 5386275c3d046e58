import type { Kind, KubernetesObject, ObjectRef } from './objects.ts';
import { unreachable } from './objects.ts';
import type { ReportedEvent } from './reconciler.ts';

export interface CallOptions {
  readonly signal: AbortSignal;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  /** Every label must be equal. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only what that index, named where the kind is watched, has under the value. */
  readonly index?: { readonly name: string; readonly value: string };
}

export interface LiveListOptions {
  readonly namespace: string;
  /** Field selectors that must all match. */
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * What became of a write. `overtaken`: nothing was written, for it is there already, or what it was decided for is gone.
 * Only what is done is worth an event.
 */
export type Performed = 'done' | 'overtaken';

/** `not-listed`: the manager was not asked to watch that namespace. `refused`: it was, and cannot for now. */
export type NamespaceWatch = 'watched' | 'not-listed' | 'refused';

/** The API server as features see it. Cached reads are of the watch, may be behind, and never block. */
export interface Cluster {
  /** From the watch of that kind, frozen; a kind that is not watched throws. */
  cached<T extends KubernetesObject>(kind: Kind<T>, ref: ObjectRef): T | undefined;
  cachedList<T extends KubernetesObject>(kind: Kind<T>, options?: ListOptions): readonly T[];
  /** Before an absence in the cache is reported: nothing is known of a namespace that is not watched. */
  watches(namespace: string): NamespaceWatch;
  /** Listed namespaces that cannot be watched for now. */
  refusedNamespaces(): readonly string[];
  /**
   * From the watch, and where that shows nothing from the API server, for a watch by label sees only what carries it.
   * That there is nothing is believed for a minute, or until `create` meets something: good enough before a create-only
   * write, never for what cannot be undone.
   */
  find<T extends KubernetesObject>(kind: Kind<T>, ref: ObjectRef, options: CallOptions): Promise<T | undefined>;
  /** Straight from the API server; undefined when it answers 404. */
  read<T extends KubernetesObject>(kind: Kind<T>, ref: ObjectRef, options: CallOptions): Promise<T | undefined>;
  /** Straight from the API server, for what is looked at seldom and watched by nobody. */
  list<T extends KubernetesObject>(
    kind: Kind<T>,
    selector: LiveListOptions,
    options: CallOptions,
  ): Promise<readonly T[]>;
  /**
   * Server-side apply with our field manager, forced. Sends nothing when the cached object already carries what
   * `object` says. Throws `ApiError`.
   */
  apply(kind: Kind, object: KubernetesObject, options: CallOptions): Promise<Performed>;
  /** Create-only: an object of that name is left exactly as it is. */
  create(kind: Kind, object: KubernetesObject, options: CallOptions): Promise<Performed>;
  /** Replaces the very version that `object.metadata.resourceVersion` names; another one throws `ApiError` 409. */
  replace(kind: Kind, object: KubernetesObject, options: CallOptions): Promise<void>;
  /** Changes the fields named by a JSON merge patch (RFC 7396), on the object with that uid. Gone already is fine. */
  patch(kind: Kind, change: Change, options: CallOptions): Promise<Performed>;
  /** Deletes the object only if it still has the uid it was decided for. Gone already is fine. */
  delete(kind: Kind, target: DeletionTarget, options: CallOptions): Promise<Performed>;
}

/** One object, and no other that gets its name later. */
export type Target = ObjectRef & { readonly uid: string };

export interface Change {
  readonly target: Target;
  readonly patch: object;
}

export type DeletionTarget = Target & {
  /** Absent: what it owns goes too, in the background. `Orphan`: what it owns stays. */
  readonly propagation?: 'Orphan';
  /** Absent: the object's own. 0 removes a pod although its kubelet does not answer. */
  readonly gracePeriodSeconds?: number;
};

/** A write as data: what plans answer and `performKubernetes` does. */
export type KubernetesAction = KubernetesWrite & {
  /** Recorded by whoever performs the action, and only when it is done. */
  readonly event?: ReportedEvent;
};

type KubernetesWrite =
  | { readonly type: 'apply'; readonly kind: Kind; readonly object: KubernetesObject }
  | { readonly type: 'create'; readonly kind: Kind; readonly object: KubernetesObject }
  | { readonly type: 'replace'; readonly kind: Kind; readonly object: KubernetesObject }
  | { readonly type: 'patch'; readonly kind: Kind; readonly target: Target; readonly patch: object }
  | { readonly type: 'delete'; readonly kind: Kind; readonly target: DeletionTarget };

const kubernetesActions: Readonly<Record<KubernetesAction['type'], true>> = {
  apply: true,
  create: true,
  replace: true,
  patch: true,
  delete: true,
};

/** Tells them from a feature's own actions. */
export function isKubernetesAction(action: { readonly type: string }): action is KubernetesAction {
  return Object.hasOwn(kubernetesActions, action.type);
}

/**
 * A `replace` of a version that is no longer the newest throws its 409 instead of being `overtaken`: what follows it in a
 * plan relies on it, so the pass must end and begin anew.
 */
export async function performKubernetes(
  action: KubernetesAction,
  cluster: Cluster,
  options: CallOptions,
): Promise<Performed> {
  switch (action.type) {
    case 'apply':
      return cluster.apply(action.kind, action.object, options);
    case 'create':
      return cluster.create(action.kind, action.object, options);
    case 'replace':
      await cluster.replace(action.kind, action.object, options);
      return 'done';
    case 'patch':
      return cluster.patch(action.kind, action, options);
    case 'delete':
      return cluster.delete(action.kind, action.target, options);
    default:
      return unreachable(action);
  }
}
