import type { Condition, Millis } from './objects.ts';
import type { ObservedCondition } from './reconciler.ts';

export interface MergeOptions {
  readonly now: Millis;
  /** `metadata.generation` of the object that was observed. */
  readonly generation: number;
  /** Every type the kind has; one that nobody observed yet is Unknown. */
  readonly types: readonly string[];
  /** Further types, stored only while True: a state that somebody asked for, for example. */
  readonly transientTypes?: readonly string[];
}

/**
 * The conditions to store (sig-architecture/api-conventions.md): all types, in their order; the transition time moves
 * only when the status does.
 */
export function mergeConditions(
  stored: readonly Condition[],
  observed: readonly ObservedCondition[],
  { now, generation, types, transientTypes = [] }: MergeOptions,
): Condition[] {
  const merged = [...types, ...transientTypes].map((type) => {
    const before = stored.find((condition) => condition.type === type);
    const seen = observed.find((condition) => condition.type === type);
    if (!seen && before) return before;
    const { status, reason, message } = seen ?? {
      status: 'Unknown' as const,
      reason: 'NotEvaluated',
      message: 'Not evaluated yet',
    };
    const isSame = before?.status === status;
    const lastTransitionTime = isSame ? before.lastTransitionTime : rfc3339(now);
    return { type, status, reason, message, lastTransitionTime, observedGeneration: generation };
  });
  return merged.filter(({ type, status }) => status === 'True' || !transientTypes.includes(type));
}

/** Seconds, as meta/v1 Time is stored. */
export function rfc3339(millis: Millis): string {
  return new Date(millis).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
