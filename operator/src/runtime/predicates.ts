import { sameJson } from './json.ts';
import type { KubernetesObject } from './objects.ts';
import type { Change } from './store.ts';

/** Whether a change is worth a pass. What is new or gone always is, for every predicate here but `not`. */
export type Predicate = (change: Change<KubernetesObject>) => boolean;

/** By more than the status: the API server counts changes of everything else, where the kind has a status. */
export const generationChanged: Predicate = differs(({ metadata }) => metadata.generation);
export const resourceVersionChanged: Predicate = differs(({ metadata }) => metadata.resourceVersion);
export const labelsChanged: Predicate = differs(({ metadata }) => metadata.labels);
export const annotationsChanged: Predicate = differs(({ metadata }) => metadata.annotations);

/** It came, goes or went, or is another object of the same name. */
export const identityChanged: Predicate = differs(({ metadata: { uid, deletionTimestamp } }) => ({
  uid,
  deletionTimestamp,
}));

/** Anything but the status: also another object of the same name, a deletion asked for, and finalizers. */
export const moreThanStatusChanged: Predicate = any(
  generationChanged,
  labelsChanged,
  annotationsChanged,
  differs(({ metadata: { uid, deletionTimestamp, finalizers } }) => ({ uid, deletionTimestamp, finalizers })),
);

export function any(...predicates: readonly Predicate[]): Predicate {
  return (change) => predicates.some((holds) => holds(change));
}

export function all(...predicates: readonly Predicate[]): Predicate {
  return (change) => predicates.every((holds) => holds(change));
}

export function not(predicate: Predicate): Predicate {
  return (change) => !predicate(change);
}

function differs(factOf: (object: KubernetesObject) => unknown): Predicate {
  return ({ before, after }) => !before || !after || !sameJson({ fact: factOf(before) }, { fact: factOf(after) });
}
