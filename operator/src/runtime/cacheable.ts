import type { KubernetesObject } from './objects.ts';

/**
 * The object as it is kept: unchangeable, for everybody reads the same one, and without `managedFields`, which are half
 * of it and which nobody here reads.
 */
export function cacheable<T extends KubernetesObject>(object: T): T {
  if (Object.isFrozen(object)) return object;
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { readonly managedFields?: unknown };
  return frozen({ ...object, metadata });
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
