import { isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import { concurrencyOf, metricsFromZero, queueLabels } from './controller-metrics.ts';
import type { EventRecorder } from './events.ts';
import { failureMessage, isForbidden } from './failure.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
import type { FinalizerPorts } from './finalizers.ts';
import { messageOf } from './log.ts';
import type { Log } from './log.ts';
import { concernedBy } from './mapping.ts';
import type { Mapping } from './mapping.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { keyOf, refOf } from './objects.ts';
import type { Kind, KubernetesObject, Millis } from './objects.ts';
import { objectPath } from './paths.ts';
import { moreThanStatusChanged } from './predicates.ts';
import { TerminalError } from './reconciler.ts';
import type { ObservedCondition, Outcome, Pass, Reconciler } from './reconciler.ts';
import { applyStatus, nextStatus, statusOf } from './status.ts';
import type { StatusOptions } from './status.ts';
import type { Change, Store } from './store.ts';
import { WorkQueue } from './work-queue.ts';
import type { Urgency } from './work-queue.ts';

export interface ControllerOptions<T extends KubernetesObject> {
  /** In metrics and logs. */
  readonly name: string;
  readonly kind: Kind<T>;
  readonly reconciler: Reconciler<T>;
  /** Put on each object before its first pass, when the reconciler has a `cleanup`. */
  readonly finalizer: string;
  /** Every condition type of the kind, in the order they are stored; the first sums up. */
  readonly conditionTypes: readonly [string, ...string[]];
  /** Further types, stored only while True. */
  readonly transientConditionTypes?: readonly string[];
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
/** A right that is missing comes back with people only, unless the chart is being upgraded right now. */
const FORBIDDEN_FOR: Millis = 5_000;
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
  private passes = 0;

  constructor(options: ControllerOptions<T>, ports: ControllerPorts, stores: (kind: Kind) => Store) {
    this.options = options;
    this.ports = ports;
    this.store = stores(options.kind) as unknown as Store<T>;
    const { metrics, clock } = ports;
    const labels = queueLabels(options);
    this.queue = new WorkQueue({
      clock,
      backoff: { base: 100, cap: 60_000 },
      onTaken: (waited) => {
        metrics.queueSeconds.observe(labels, waited / 1000);
      },
      onDone: (worked) => {
        metrics.workSeconds.observe(labels, worked / 1000);
      },
    });
    metrics.followQueue(labels, this.queue);
    this.store.onChange((change) => {
      if (moreThanStatusChanged(change)) this.add(keyOf(objectOf(change).metadata));
    });
    for (const mapped of options.mappings ?? []) {
      stores(mapped.kind).onChange((change) => {
        for (const key of concernedBy(mapped, change, ports.log)) this.add(key);
      });
    }
    metricsFromZero(metrics, options);
  }

  /** Works until `signal` aborts; then finishes what is under way. */
  async run(signal: AbortSignal): Promise<void> {
    for (const { metadata } of this.store.list()) this.add(keyOf(metadata), 'background');
    const workers = Array.from({ length: concurrencyOf(this.options) }, () => this.work(signal));
    const stop = (): void => void this.queue.shutDownWithDrain();
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    await Promise.all(workers);
  }

  private add(key: string, urgency?: Urgency): void {
    this.ports.metrics.queueAdds.inc(queueLabels(this.options));
    this.queue.add(key, urgency);
  }

  private async work(signal: AbortSignal): Promise<void> {
    const { metrics, clock } = this.ports;
    const controller = this.options.name;
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      const begun = clock.monotonic();
      metrics.activeWorkers.inc({ controller });
      if (!signal.aborted) await this.pass(key, signal);
      metrics.activeWorkers.dec({ controller });
      metrics.reconcileSeconds.observe({ controller }, (clock.monotonic() - begun) / 1000);
      this.queue.done(key);
    }
  }

  private async pass(key: string, signal: AbortSignal): Promise<void> {
    this.passes += 1;
    const reconcileID = `${this.options.name}-${this.passes}`;
    const object = this.store.get(refOf(key));
    const outcome = object && (await this.visit(object, signal));
    // What was cut off by a shutdown or a lost lease is nobody's word.
    if (signal.aborted) return;
    const failure = object && outcome && (await this.report(object, outcome, { signal, reconcileID }));
    if (object && failure !== undefined) this.failed(object, failure, reconcileID);
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
    const refusal = reconciler.refuse?.(object);
    if (refusal) return refusal;
    if (!reconciler.cleanup) return reconciler.apply(object, pass);
    const held = await addFinalizer(object, this.finalizing, pass.signal);
    this.store.setIfNewer(held);
    return reconciler.apply(held, pass);
  }

  private async cleanup(object: T, pass: Pass): Promise<Outcome | undefined> {
    const { reconciler, finalizer } = this.options;
    if (!reconciler.cleanup || !hasFinalizer(object, finalizer)) return undefined;
    const live = await this.liveOf(object, pass);
    if (!live || !hasFinalizer(live, finalizer)) return undefined;
    const outcome = await reconciler.cleanup(live, pass);
    if (!outcome.done || outcome.failure !== undefined) return outcome;
    for (const event of outcome.events ?? []) this.ports.events.record(live, event);
    await removeFinalizer(live, this.finalizing, pass.signal);
    return undefined;
  }

  /** What cannot be undone is decided on the object as it is now, say after its owner asked to retain something. */
  private async liveOf({ metadata }: T, { signal }: Pass): Promise<T | undefined> {
    const { kind } = this.options;
    try {
      const live = await this.ports.client.send<T>({ method: 'GET', path: objectPath(kind, metadata), signal });
      return live.metadata.uid === metadata.uid ? live : undefined;
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  private get finalizing(): FinalizerPorts<T> {
    const { kind, finalizer } = this.options;
    return { client: this.ports.client, fieldManager: this.ports.fieldManager, kind, finalizer };
  }

  private get conditionTypes(): Pick<StatusOptions, 'types' | 'transientTypes'> {
    const { conditionTypes: types, transientConditionTypes: transientTypes = [] } = this.options;
    return { types, transientTypes };
  }

  /** Tells what was observed, in a status that is written once and only when it says something new. */
  private async report(object: T, outcome: Outcome, { signal, reconcileID }: Telling): Promise<unknown> {
    const { client, clock, log, events, fieldManager } = this.ports;
    const { kind } = this.options;
    try {
      for (const event of outcome.events ?? []) events.record(object, event);
      const conditions = this.withLastingFailure(object, outcome);
      if (outcome.failure !== undefined && conditions.length === 0) return outcome.failure;
      const status = nextStatus(object, { ...outcome, conditions }, { now: clock.now(), ...this.conditionTypes });
      if (!status) return outcome.failure;
      const written = await applyStatus(object, status, { client, kind, fieldManager, signal });
      if (written) this.store.setIfNewer(written);
      return outcome.failure;
    } catch (error) {
      const fields = { ...this.fieldsOf(object, reconcileID), error: messageOf(error) };
      if (outcome.failure !== undefined) log.warn(fields, 'the failure could not be written to the status');
      return outcome.failure ?? error;
    }
  }

  private fieldsOf({ metadata }: T, reconcileID: string): object {
    return { controller: this.options.name, kind: this.options.kind.kind, ...refOf(keyOf(metadata)), reconcileID };
  }

  /** The summary tells of a failure that lasts, or that came before anything was ever observed. */
  private withLastingFailure(object: T, { conditions, failure }: Outcome): readonly ObservedCondition[] {
    const key = keyOf(object.metadata);
    if (failure === undefined || this.isPassingConflict(key, failure)) return conditions;
    const { clock } = this.ports;
    const since = this.failingSince.get(key) ?? clock.monotonic();
    this.failingSince.set(key, since);
    const knowsNothing = conditions.length === 0 && (statusOf(object).conditions ?? []).length === 0;
    const mayPass = !knowsNothing && !(failure instanceof TerminalError);
    if (mayPass && clock.monotonic() - since < this.patienceFor(failure)) return conditions;
    const [type] = this.options.conditionTypes;
    const summary = { type, status: 'Unknown', reason: 'ReconcileFailed', message: failureMessage(failure) } as const;
    return [summary, ...conditions.filter((condition) => condition.type !== type)];
  }

  private patienceFor(failure: unknown): Millis {
    const { failFor = 120_000 } = this.options;
    return isForbidden(failure) ? Math.min(failFor, FORBIDDEN_FOR) : failFor;
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

  private failed(object: T, failure: unknown, reconcileID: string): void {
    const { metrics, log, events } = this.ports;
    const { name: controller } = this.options;
    const key = keyOf(object.metadata);
    const fields = { ...this.fieldsOf(object, reconcileID), error: messageOf(failure) };
    if (this.isPassingConflict(key, failure)) {
      this.retry(key);
      metrics.reconciles.inc({ controller, result: 'requeue' });
      log.debug(fields, 'a pass was overtaken');
      return;
    }
    metrics.reconciles.inc({ controller, result: 'error' });
    metrics.reconcileErrors.inc({ controller });
    if (isPanic(failure)) metrics.reconcilePanics.inc({ controller });
    if (failure instanceof TerminalError) {
      this.queue.forget(key);
      metrics.terminalErrors.inc({ controller });
      log.error(fields, 'a pass failed, and is not tried again before something changes');
    } else {
      log.warn({ ...fields, retryIn: this.retry(key) }, 'a pass failed');
    }
    events.record(object, { type: 'Warning', reason: 'ReconcileFailed', message: failureMessage(failure) });
  }

  private retry(key: string): Millis {
    this.ports.metrics.queueRetries.inc(queueLabels(this.options));
    return this.queue.addRateLimited(key);
  }
}

interface Telling {
  readonly signal: AbortSignal;
  readonly reconcileID: string;
}

/** A mistake in the code rather than in the world, as a panic is in Go; it ends its pass and nothing else. */
function isPanic(failure: unknown): boolean {
  return failure instanceof TypeError || failure instanceof ReferenceError || failure instanceof RangeError;
}

function objectOf<T extends KubernetesObject>({ before, after }: Change<T>): T {
  const object = after ?? before;
  if (!object) throw new TypeError('a change has an object before or after it');
  return object;
}
