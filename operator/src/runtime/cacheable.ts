import type { KubernetesObject } from './objects.ts';

/**
 * The object as it is kept: unchangeable, for everybody reads the same one, and of `managedFields`, which are half of it, only
 * who scales it.
 */
export function cacheable<T extends KubernetesObject>(object: T): T {
  if (Object.isFrozen(object)) return object;
  const { managedFields = [], ...metadata } = object.metadata;
  const scalers = managedFields
    .filter(({ subresource }) => subresource === 'scale')
    .map(({ manager, subresource }) => ({ manager, subresource }));
  return frozen({ ...object, metadata: scalers.length === 0 ? metadata : { ...metadata, managedFields: scalers } });
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
