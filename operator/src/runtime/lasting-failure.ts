import type { Clock } from './clock.ts';
import { isApiError } from './client.ts';
import type { ControllerOptions } from './controller-options.ts';
import { failureMessage, isForbidden } from './failure.ts';
import type { KubernetesObject, Millis } from './objects.ts';
import { PerObject } from './per-object.ts';
import { TerminalError } from './reconciler.ts';
import type { ObservedCondition, Outcome } from './reconciler.ts';
import { statusOf } from './status.ts';
import type { Store } from './store.ts';

/** So many conflicts in a row are none of ours; more are a failure like any other. */
const CONFLICTS_IN_A_ROW = 5;
/** A right that is missing comes back with people only, unless the chart is being upgraded right now. */
const FORBIDDEN_FOR: Millis = 5_000;

/** Decided on an object that has changed since: the next pass sees the newer one. */
export function isPassingConflict(failure: unknown, retries: number): boolean {
  return isApiError(failure, 409) && retries < CONFLICTS_IN_A_ROW;
}

type FailureOptions<T extends KubernetesObject> = Pick<ControllerOptions<T>, 'conditionTypes' | 'failFor'>;

/** Since when the passes of each object have done nothing but fail, on the monotonic clock. */
export class LastingFailures<T extends KubernetesObject> {
  private readonly options: FailureOptions<T>;
  private readonly clock: Clock;
  private readonly failingSince: PerObject<Millis>;

  constructor(options: FailureOptions<T>, { store, clock }: { readonly store: Store<T>; readonly clock: Clock }) {
    this.options = options;
    this.clock = clock;
    this.failingSince = new PerObject(store, { clock });
  }

  /** The conditions to report. The summary names a failure that lasts, or that came before anything was ever observed. */
  conditionsFor(object: T, { conditions, failure }: Outcome): readonly ObservedCondition[] {
    const now = this.clock.monotonic();
    const since = this.failingSince.get(object.metadata) ?? now;
    this.failingSince.set(object.metadata, since);
    const isFirstReport = conditions.length === 0 && (statusOf(object).conditions ?? []).length === 0;
    const mayPass = !isFirstReport && !(failure instanceof TerminalError);
    if (mayPass && now - since < this.hiddenFor(failure)) return conditions;
    const [type] = this.options.conditionTypes;
    const summary = { type, status: 'Unknown', reason: 'ReconcileFailed', message: failureMessage(failure) } as const;
    return [summary, ...conditions.filter((condition) => condition.type !== type)];
  }

  ended({ metadata }: T): void {
    this.failingSince.delete(metadata);
  }

  private hiddenFor(failure: unknown): Millis {
    const { failFor = 120_000 } = this.options;
    return isForbidden(failure) ? Math.min(failFor, FORBIDDEN_FOR) : failFor;
  }
}
