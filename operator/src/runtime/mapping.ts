import { messageOf } from './log.ts';
import type { Log } from './log.ts';
import { keyOf, refOf } from './objects.ts';
import type { Kind, KubernetesObject, Millis, ObjectRef } from './objects.ts';
import type { Predicate } from './predicates.ts';
import type { Change } from './store.ts';

/** Objects of another kind whose changes concern objects of the controller's own kind. */
export interface Mapping {
  readonly kind: Kind;
  /** Keys (`namespace/name`) of the objects to look at when this one changed. */
  readonly keys: (object: KubernetesObject) => readonly string[];
  /** Absent: every change is worth a look. */
  readonly when?: Predicate;
  /**
   * Such changes come in bursts, so the pass comes only so long after the first of them, and sees what all have changed
   * until then. Absent: as soon as a worker is free.
   */
  readonly settle?: Millis;
}

/** A mapping that reads more than metadata of its kind. */
export function mapping<T extends KubernetesObject>(kind: Kind<T>, keys: (object: T) => readonly string[]): Mapping {
  // The store of a kind holds objects of that kind only.
  return { kind, keys: (object) => keys(object as T) };
}

/** From objects of `kind` to the object of `owner` that controls them (controller-runtime's EnqueueRequestForOwner). */
export function toOwner(kind: Kind, owner: Kind): Mapping {
  const keys = ({ metadata: { namespace, ownerReferences = [] } }: KubernetesObject): readonly string[] =>
    ownerReferences
      .filter((reference) => reference.controller === true && reference.kind === owner.kind)
      // Versions of one group name the same object.
      .filter(({ apiVersion }) => groupOf(apiVersion) === groupOf(owner.apiVersion))
      .map(({ name }): ObjectRef => (owner.namespaced && namespace !== undefined ? { namespace, name } : { name }))
      .map(keyOf);
  return { kind, keys };
}

/** Before and after: an object that changed its owner concerns both. */
export function concernedBy(
  { kind, keys, when }: Pick<Mapping, 'kind' | 'keys' | 'when'>,
  change: Change<KubernetesObject>,
  log: Log,
): ReadonlySet<string> {
  const { before, after } = change;
  try {
    if (when && !when(change)) return new Set();
    return new Set([before, after].flatMap((object) => (object ? keys(object) : [])));
  } catch (error) {
    // An object of an older schema, for example. It must not hide the change from other mappings.
    const object = after ?? before;
    const fields = { kind: kind.kind, ...(object && refOf(keyOf(object.metadata))), error: messageOf(error) };
    log.error(fields, 'an object could not be mapped to what it concerns');
    return new Set();
  }
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
