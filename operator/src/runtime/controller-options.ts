import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { EventRecorder } from './events.ts';
import type { Log } from './log.ts';
import type { Mapping } from './mapping.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { Kind, KubernetesObject, Millis } from './objects.ts';
import type { Reconciler } from './reconciler.ts';
import type { WakeUps } from './wake-ups.ts';
import type { Refusal } from './watch-refusals.ts';

export interface ControllerOptions<T extends KubernetesObject> {
  /** In metrics and logs. */
  readonly name: string;
  readonly kind: Kind<T>;
  readonly reconciler: Reconciler<T>;
  /** Put on each object before its first pass, when the reconciler has a `cleanup`. */
  readonly finalizer: string;
  /** Every condition type of the kind, in the order they are stored; the first sums up. */
  readonly conditionTypes: readonly [string, ...string[]];
  /**
   * false: another controller of the kind reports. What the passes of this one meet is an event, a metric and a retry, and no
   * condition.
   */
  readonly writesStatus?: boolean;
  /**
   * true: a status is written once no object waits for its pass, so that 500 statuses do not hold up what the passes write.
   * A pass that comes meanwhile reports in place of the one before.
   */
  readonly reportsLast?: boolean;
  /** Further types, stored only while True. */
  readonly transientConditionTypes?: readonly string[];
  /** Field of the status that gets the name of this installation, so that a second one is noticed. */
  readonly installationField?: string;
  readonly mappings?: readonly Mapping[];
  /** What asks for passes besides changes of objects. */
  readonly wakeUps?: WakeUps;
  /** Objects reconciled at the same time; default 4. */
  readonly concurrency?: number;
  /** The longest a pass may take; default 60 s. */
  readonly passWithin?: Millis;
  /** How long passes may fail before the summary reports it; default 2 min. */
  readonly failFor?: Millis;
}

export interface ControllerPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly metrics: RuntimeMetrics;
  readonly fieldManager: string;
  /** Of this installation, unlike any other's; absent: no second one is noticed. */
  readonly installation?: string;
  /** Why a namespace cannot be watched; undefined while it is. */
  readonly refusalOf: (namespace: string) => Refusal | undefined;
}
