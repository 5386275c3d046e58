import { isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { EventRecorder } from './events.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
import type { FinalizerPorts } from './finalizers.ts';
import { sameJson } from './json.ts';
import { messageOf } from './log.ts';
import type { Log } from './log.ts';
import { reconcileResults } from './metrics.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { keyOf, refOf } from './objects.ts';
import type { Kind, KubernetesObject, Millis } from './objects.ts';
import type { ObservedCondition, Outcome, Pass, Reconciler } from './reconciler.ts';
import { applyStatus, nextStatus, statusOf } from './status.ts';
import type { Change, Store } from './store.ts';
import { WorkQueue } from './work-queue.ts';

/** Objects of another kind whose changes concern objects of the controller's own kind. */
export interface Mapping {
  readonly kind: Kind;
  /** Keys (`namespace/name`) of the objects to look at when this one changed. */
  readonly keys: (object: KubernetesObject) => readonly string[];
}

/** A mapping that reads more than metadata of its kind. */
export function mapping<T extends KubernetesObject>(kind: Kind<T>, keys: (object: T) => readonly string[]): Mapping {
  // The store of a kind holds objects of that kind only.
  return { kind, keys: (object) => keys(object as T) };
}

export interface ControllerOptions<T extends KubernetesObject> {
  /** In metrics and logs. */
  readonly name: string;
  readonly kind: Kind<T>;
  readonly reconciler: Reconciler<T>;
  /** Put on each object before its first pass, when the reconciler has a `cleanup`. */
  readonly finalizer: string;
  /** Every condition type of the kind, in the order they are stored; the first sums up. */
  readonly conditionTypes: readonly [string, ...string[]];
  readonly mappings?: readonly Mapping[];
  /** Objects looked at at the same time; default 4. */
  readonly concurrency?: number;
  /** The longest a pass may take; default 60 s. */
  readonly passWithin?: Millis;
  /** How long passes may fail before the summary says so; default 2 min. */
  readonly failFor?: Millis;
}

/** As often as this an object may be overtaken; more in a row is a failure like any other. */
const CONFLICTS_IN_A_ROW = 5;
/** A plan that asks for a look in the past must not spin. */
const SOONEST_RECHECK: Millis = 100;

export interface ControllerPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly metrics: RuntimeMetrics;
  readonly fieldManager: string;
}

/** Brings each object of one kind to a reconciler: once at a time, again after changes, failures and rechecks. */
export class Controller<T extends KubernetesObject> {
  private readonly options: ControllerOptions<T>;
  private readonly ports: ControllerPorts;
  private readonly store: Store<T>;
  private readonly queue: WorkQueue;
  /** Keys that nothing but failed for, and since when on the monotonic clock. */
  private readonly failingSince: Map<string, Millis> = new Map();

  constructor(options: ControllerOptions<T>, ports: ControllerPorts, stores: (kind: Kind) => Store) {
    this.options = options;
    this.ports = ports;
    this.store = stores(options.kind) as unknown as Store<T>;
    this.queue = new WorkQueue({ clock: ports.clock, backoff: { base: 100, cap: 60_000 } });
    this.store.onChange((change) => {
      if (concernsSpec(change)) this.add(keyOf(objectOf(change).metadata));
    });
    for (const mapped of options.mappings ?? []) {
      stores(mapped.kind).onChange((change) => {
        for (const key of this.keysOf(mapped, change)) this.add(key);
      });
    }
    metricsFromZero(ports.metrics, options);
  }

  /** Works until `signal` aborts; then finishes what is under way. */
  async run(signal: AbortSignal): Promise<void> {
    for (const { metadata } of this.store.list()) this.add(keyOf(metadata));
    const workers = Array.from({ length: concurrencyOf(this.options) }, () => this.work(signal));
    const stop = (): void => void this.queue.shutDownWithDrain();
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    await Promise.all(workers);
  }

  /** Before and after: an object that changed its owner concerns both. */
  private keysOf({ kind, keys }: Mapping, { before, after }: Change<KubernetesObject>): ReadonlySet<string> {
    try {
      return new Set([before, after].flatMap((object) => (object ? keys(object) : [])));
    } catch (error) {
      // An object of an older schema, say. It must not keep others from hearing of it.
      const object = after ?? before;
      const fields = { kind: kind.kind, ...(object && refOf(keyOf(object.metadata))), error: messageOf(error) };
      this.ports.log.error(fields, 'an object could not be mapped to what it concerns');
      return new Set();
    }
  }

  private add(key: string): void {
    this.ports.metrics.queueAdds.inc({ name: this.options.name });
    this.queue.add(key);
    this.tellDepth();
  }

  private tellDepth(): void {
    this.ports.metrics.queueDepth.set({ name: this.options.name }, this.queue.depth);
  }

  private async work(signal: AbortSignal): Promise<void> {
    const { metrics, clock } = this.ports;
    const controller = this.options.name;
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      this.tellDepth();
      const begun = clock.monotonic();
      metrics.activeWorkers.inc({ controller });
      if (!signal.aborted) await this.pass(key, signal);
      metrics.activeWorkers.dec({ controller });
      metrics.reconcileSeconds.observe({ controller }, (clock.monotonic() - begun) / 1000);
      this.queue.done(key);
    }
  }

  private async pass(key: string, signal: AbortSignal): Promise<void> {
    const object = this.store.get(refOf(key));
    const outcome = object && (await this.visit(object, signal));
    // What was cut off by a shutdown or a lost lease is nobody's word.
    if (signal.aborted) return;
    const failure = object && outcome && (await this.report(object, outcome, signal));
    if (object && failure !== undefined) this.failed(object, failure);
    else this.succeeded(key, outcome?.recheckAt);
  }

  /** What came of a visit; undefined when there is nobody left to tell. */
  private async visit(object: T, signal: AbortSignal): Promise<Outcome | undefined> {
    const { passWithin = 60_000, name: controller } = this.options;
    const { clock, metrics } = this.ports;
    const deadline = new AbortController();
    const cancel = clock.after(passWithin, () => {
      metrics.reconcileTimeouts.inc({ controller });
      deadline.abort(new Error(`the pass took longer than ${passWithin} ms`));
    });
    const pass = { signal: AbortSignal.any([signal, deadline.signal]), now: clock.now() };
    try {
      return object.metadata.deletionTimestamp === undefined
        ? await this.apply(object, pass)
        : await this.cleanup(object, pass);
    } catch (failure) {
      return { conditions: [], failure };
    } finally {
      cancel();
    }
  }

  private async apply(object: T, pass: Pass): Promise<Outcome> {
    const { reconciler } = this.options;
    if (!reconciler.cleanup) return reconciler.apply(object, pass);
    const held = await addFinalizer(object, this.finalizing, pass.signal);
    this.store.setIfNewer(held);
    return reconciler.apply(held, pass);
  }

  private async cleanup(object: T, pass: Pass): Promise<Outcome | undefined> {
    const { reconciler, finalizer } = this.options;
    if (!reconciler.cleanup || !hasFinalizer(object, finalizer)) return undefined;
    const outcome = await reconciler.cleanup(object, pass);
    if (!outcome.done || outcome.failure !== undefined) return outcome;
    for (const event of outcome.events ?? []) this.ports.events.record(object, event);
    await removeFinalizer(object, this.finalizing, pass.signal);
    return undefined;
  }

  private get finalizing(): FinalizerPorts<T> {
    const { kind, finalizer } = this.options;
    return { client: this.ports.client, fieldManager: this.ports.fieldManager, kind, finalizer };
  }

  /** Tells what was observed, in a status that is written once and only when it says something new. */
  private async report(object: T, outcome: Outcome, signal: AbortSignal): Promise<unknown> {
    const { client, clock, log, events, fieldManager } = this.ports;
    const { kind, conditionTypes: types } = this.options;
    for (const event of outcome.events ?? []) events.record(object, event);
    const conditions = this.withLastingFailure(object, outcome);
    if (outcome.failure !== undefined && conditions.length === 0) return outcome.failure;
    const status = nextStatus(object, { ...outcome, conditions }, { now: clock.now(), types });
    if (!status) return outcome.failure;
    try {
      const written = await applyStatus(object, status, { client, kind, fieldManager, signal });
      if (written) this.store.setIfNewer(written);
      return outcome.failure;
    } catch (error) {
      const fields = { controller: this.options.name, ...refOf(keyOf(object.metadata)), error: messageOf(error) };
      if (outcome.failure !== undefined) log.warn(fields, 'the failure could not be written to the status');
      return outcome.failure ?? error;
    }
  }

  /** The summary tells of a failure that lasts, or that came before anything was ever observed. */
  private withLastingFailure(object: T, { conditions, failure }: Outcome): readonly ObservedCondition[] {
    const key = keyOf(object.metadata);
    if (failure === undefined || this.isPassingConflict(key, failure)) return conditions;
    const { failFor = 120_000, conditionTypes } = this.options;
    const { clock } = this.ports;
    const since = this.failingSince.get(key) ?? clock.monotonic();
    this.failingSince.set(key, since);
    const knowsNothing = conditions.length === 0 && (statusOf(object).conditions ?? []).length === 0;
    if (!knowsNothing && clock.monotonic() - since < failFor) return conditions;
    const [type] = conditionTypes;
    const summary = { type, status: 'Unknown', reason: 'ReconcileFailed', message: failureMessage(failure) } as const;
    return [summary, ...conditions.filter((condition) => condition.type !== type)];
  }

  /** Decided on an object that has changed since: the next pass sees the newer one. */
  private isPassingConflict(key: string, failure: unknown): boolean {
    return isApiError(failure, 409) && this.queue.retries(key) < CONFLICTS_IN_A_ROW;
  }

  private succeeded(key: string, recheckAt: Millis | undefined): void {
    const { metrics, clock } = this.ports;
    this.failingSince.delete(key);
    this.queue.forget(key);
    if (recheckAt !== undefined) this.queue.addAfter(key, Math.max(SOONEST_RECHECK, recheckAt - clock.now()));
    const result = recheckAt === undefined ? 'success' : 'requeue_after';
    metrics.reconciles.inc({ controller: this.options.name, result });
  }

  private failed(object: T, failure: unknown): void {
    const { metrics, log, events } = this.ports;
    const { name: controller, kind } = this.options;
    const key = keyOf(object.metadata);
    const isConflict = this.isPassingConflict(key, failure);
    const retryIn = this.queue.addRateLimited(key);
    metrics.queueRetries.inc({ name: controller });
    metrics.reconciles.inc({ controller, result: isConflict ? 'requeue' : 'error' });
    const fields = { controller, kind: kind.kind, ...refOf(key), retryIn, error: messageOf(failure) };
    if (isConflict) {
      log.debug(fields, 'a pass was overtaken');
      return;
    }
    metrics.reconcileErrors.inc({ controller });
    log.warn(fields, 'a pass failed');
    events.record(object, { type: 'Warning', reason: 'ReconcileFailed', message: failureMessage(failure) });
  }
}

function failureMessage(failure: unknown): string {
  return `${messageOf(failure)}; tried again with growing pauses`;
}

function concurrencyOf({ concurrency = 4 }: { readonly concurrency?: number }): number {
  return concurrency;
}

/** Whether more changed than the status, which only we write. */
function concernsSpec<T extends KubernetesObject>({ before, after }: Change<T>): boolean {
  if (!before || !after) return true;
  const facts = ({ metadata }: T): unknown => {
    const { uid, generation, deletionTimestamp, labels, annotations, finalizers } = metadata;
    return { uid, generation, deletionTimestamp, labels, annotations, finalizers };
  };
  return !sameJson(facts(before), facts(after));
}

function objectOf<T extends KubernetesObject>({ before, after }: Change<T>): T {
  const object = after ?? before;
  if (!object) throw new TypeError('a change has an object before or after it');
  return object;
}

function metricsFromZero(
  metrics: RuntimeMetrics,
  options: Pick<ControllerOptions<KubernetesObject>, 'name' | 'concurrency'>,
): void {
  const { name } = options;
  const controller = name;
  for (const result of reconcileResults) metrics.reconciles.inc({ controller, result }, 0);
  metrics.reconcileErrors.inc({ controller }, 0);
  metrics.reconcileTimeouts.inc({ controller }, 0);
  metrics.activeWorkers.set({ controller }, 0);
  metrics.maxConcurrent.set({ controller }, concurrencyOf(options));
  metrics.queueAdds.inc({ name }, 0);
  metrics.queueRetries.inc({ name }, 0);
  metrics.queueDepth.set({ name }, 0);
}
