import type { ConditionStatus, KubernetesObject, Millis } from './objects.ts';

/** A condition as a plan states it; the runtime adds generation and transition time. */
export interface ObservedCondition {
  readonly type: string;
  readonly status: ConditionStatus;
  /** CamelCase, from a closed list of the feature. */
  readonly reason: string;
  /** What was seen, which object, what to do next. */
  readonly message: string;
}

/** An event about the reconciled object (events.k8s.io/v1); repeats of one reason are counted, not multiplied. */
export interface ReportedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What one pass found out; the runtime writes it to the status, once, and only when it differs. */
export interface Outcome {
  readonly conditions: readonly ObservedCondition[];
  /** Merged over the stored status; `undefined` values remove their field. */
  readonly status?: Readonly<Record<string, unknown>>;
  readonly recheckAt?: Millis;
  readonly events?: readonly ReportedEvent[];
  /** What went wrong while acting on it. The report is written all the same; then it counts like something thrown. */
  readonly failure?: unknown;
}

export interface RemovalOutcome extends Outcome {
  readonly done: boolean;
}

/** What the runtime gives to each pass. */
export interface Pass {
  /** Aborts at the pass's deadline, at shutdown and when leadership is lost. */
  readonly signal: AbortSignal;
  /** Wall clock at the beginning of the pass. */
  readonly now: Millis;
}

/** What no retry can mend: reported in the summary at once, counted, and not tried again before something changes. */
export class TerminalError extends Error {
  override readonly name: string = 'TerminalError';
}

/**
 * Keeps one object as its spec says. Retries, deadlines, the status write and the finalizer belong to the runtime;
 * what is thrown becomes an event, a metric and, past the deadline, the condition `Ready=Unknown/ReconcileFailed`.
 */
export interface Reconciler<T extends KubernetesObject> {
  /**
   * Called first for an object that is not Terminating: the report on one that cannot be reconciled, because it does not
   * fit the schema, for example. It gets no pass and no finalizer until it changes.
   */
  refuse?(object: T): Outcome | undefined;
  apply(object: T, pass: Pass): Promise<Outcome>;
  /** Runs while the object is being deleted, until `done`. Without it the kind gets no finalizer. */
  cleanup?(object: T, pass: Pass): Promise<RemovalOutcome>;
  /** Without `cleanup`: runs while finalizers of others hold an object that is Terminating. */
  terminating?(object: T, pass: Pass): Promise<Outcome>;
}
