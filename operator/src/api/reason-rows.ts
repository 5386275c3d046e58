import type { ConditionStatus } from '../runtime/objects.ts';

/** A reason of a condition: what was observed when it is set, and what a person does about it. */
export interface Row {
  /** The statuses that the condition may have with this reason. */
  readonly status: ConditionStatus | readonly ConditionStatus[];
  readonly seen: string;
  /** Absent: nothing; it passes by itself or is the good state. */
  readonly do?: string;
  /**
   * How the operator notices that a person has done it: by its watches of these kinds, or because the runtime retries a
   * pass or a watch that failed. Absent: nothing announces it, so the plan asks for a pass every `LOOK_AGAIN`.
   */
  readonly noticed?: readonly WatchedKind[] | 'retry';
}

export type WatchedKind =
  | 'AuthStack'
  | 'AuthConsumer'
  | 'Namespace'
  | 'Secret'
  | 'ServiceAccount'
  | 'Pod'
  | 'PersistentVolumeClaim'
  | 'Deployment';

export type Reasons = Readonly<Record<string, Row>>;

/** Set by the runtime for a condition that no pass has reported yet. */
export const notEvaluated = { status: 'Unknown', seen: 'The operator has not evaluated this yet.' } as const;

export const specInvalid = {
  status: 'False',
  seen: 'The object does not fit the schema: another version of the CRD accepted it. What runs continues to run.',
  do: 'Correct the fields that the message names.',
  noticed: ['AuthStack', 'AuthConsumer'],
} as const;

/** Set by the runtime for any kind. */
export const runtime = {
  NotEvaluated: notEvaluated,
  ReconcileFailed: {
    status: 'Unknown',
    seen: 'Reconciling has failed for two minutes, or the API server refuses a request (403).',
    do: 'What the message says; the operator retries.',
    noticed: 'retry',
  },
  NamespaceNotWatched: {
    status: 'Unknown',
    seen: "The namespace is in the chart's `watchNamespaces`, and the API server forbids the operator to watch it.",
    do: 'Grant the rights in the message: `helm upgrade` makes the Role. Or take it out of `watchNamespaces`.',
    noticed: 'retry',
  },
} as const satisfies Reasons;
