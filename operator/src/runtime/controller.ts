import { concurrencyOf, metricsFromZero } from './controller-metrics.ts';
import type { ControllerOptions, ControllerPorts } from './controller-options.ts';
import { ControllerPass } from './controller-pass.ts';
import { ControllerQueue } from './controller-queue.ts';
import { failureMessage, isForbidden } from './failure.ts';
import { InstallationClaims } from './installation-claims.ts';
import type { NoticedOverlap } from './installation-claims.ts';
import { LastingFailures, isPassingConflict } from './lasting-failure.ts';
import { messageOf } from './log.ts';
import { concernedBy } from './mapping.ts';
import { keyOf, refOf } from './objects.ts';
import type { Kind, KubernetesObject } from './objects.ts';
import { moreThanStatusChanged } from './predicates.ts';
import { TerminalError } from './reconciler.ts';
import type { Outcome } from './reconciler.ts';
import { applyStatus, nextStatus } from './status.ts';
import type { Change, Store } from './store.ts';
import type { Refusal } from './watch-refusals.ts';

/**
 * Brings each object of one kind to a reconciler: once at a time, again after changes, failures and rechecks.
 *
 *     changes ──► ControllerQueue ──► ControllerPass ──► events ──► report: one status write ──► recheck, retry or nothing
 *                       ▲  ▲           (reconciler)        │             ▲ (LastingFailures)              │
 *                       │  └── with reportsLast: later ────┴─────────────┘                                │
 *                       └────────────────────────────────────────────────────────────────────────────────┘
 */
export class Controller<T extends KubernetesObject> {
  private readonly options: ControllerOptions<T>;
  private readonly ports: ControllerPorts;
  private readonly store: Store<T>;
  private readonly queue: ControllerQueue;
  private readonly passes: ControllerPass<T>;
  private readonly failures: LastingFailures<T>;
  private readonly claims: InstallationClaims<T> | undefined;
  /** What passes have found that is not reported yet. Lost with the process: the first pass of the next one finds it again. */
  private readonly reports: Map<string, Found<T>> = new Map();
  private isRunning = false;
  private passCount = 0;

  constructor(options: ControllerOptions<T>, ports: ControllerPorts, stores: (kind: Kind) => Store) {
    this.options = options;
    this.ports = ports;
    this.store = stores(options.kind) as unknown as Store<T>;
    this.queue = new ControllerQueue(options, ports);
    this.passes = new ControllerPass(options, ports, this.store);
    this.failures = new LastingFailures(options, { store: this.store, clock: ports.clock });
    this.claims = this.claimsOf(options, ports);
    this.store.onChange((change) => {
      if (moreThanStatusChanged(change)) this.queue.add(keyOf(objectOf(change).metadata));
    });
    for (const mapped of options.mappings ?? []) {
      stores(mapped.kind).onChange((change) => {
        for (const key of concernedBy(mapped, change, ports.log)) this.queue.addWithin(key, mapped.settle);
      });
    }
    options.wakeUps?.follow((key) => {
      if (this.store.get(refOf(key))) this.queue.add(key);
    });
    metricsFromZero(ports.metrics, options);
  }

  /** Works until `signal` aborts; then finishes what is under way. */
  async run(signal: AbortSignal): Promise<void> {
    this.isRunning = true;
    this.reconcileAll();
    const workers = Array.from({ length: concurrencyOf(this.options) }, () => this.work(signal));
    const stop = (): void => {
      this.queue.shutDown();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    await Promise.all(workers);
  }

  /** Every object gets a pass, after those that changed. */
  reconcileAll(): void {
    for (const { metadata } of this.store.list()) this.queue.add(keyOf(metadata), 'background');
  }

  private claimsOf(
    { installationField: field }: ControllerOptions<T>,
    { installation, clock, metrics }: ControllerPorts,
  ): InstallationClaims<T> | undefined {
    if (field === undefined || installation === undefined) return undefined;
    const claims = new InstallationClaims<T>({
      installation,
      field,
      store: this.store,
      clock,
      onOverlap: (object, overlap) => {
        // One that does not lead writes nothing, so it answers nobody.
        if (this.isRunning) this.answer(object, overlap);
      },
    });
    metrics.followOverlaps(this.options.name, claims);
    return claims;
  }

  /** So that the other installation notices as well, and once more later on, to learn whether it still runs. */
  private answer(object: T, { installation, namespace, isNews, lookAgainAt }: NoticedOverlap): void {
    const { log, events, installation: ours = '' } = this.ports;
    const key = keyOf(object.metadata);
    const message =
      `two installations of the operator reconcile namespace ${namespace}: ${ours} and ${installation}. ` +
      'Remove the namespace from what one of them watches, or uninstall one';
    const fields = { controller: this.options.name, kind: this.options.kind.kind, ...refOf(key), installation };
    if (isNews) log.error(fields, message);
    events.record(object, { type: 'Warning', reason: 'OverlappingInstallation', message });
    this.queue.add(key);
    this.queue.addAt(key, lookAgainAt);
  }

  private async work(signal: AbortSignal): Promise<void> {
    const { metrics, clock } = this.ports;
    const controller = this.options.name;
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      const begun = clock.monotonic();
      metrics.activeWorkers.inc({ controller });
      if (!signal.aborted) await this.reconcile(key, signal);
      metrics.activeWorkers.dec({ controller });
      metrics.reconcileSeconds.observe({ controller }, (clock.monotonic() - begun) / 1000);
      this.queue.done(key);
    }
  }

  private async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const unreported = this.reports.get(key);
    this.reports.delete(key);
    if (unreported && this.queue.isReport(key)) {
      await this.conclude(unreported, signal);
      return;
    }
    if (unreported) this.countSuccess('success');
    const found = await this.look(key, signal);
    // What was cut off by a shutdown or a lost lease is not reported.
    if (!found || signal.aborted) return;
    for (const event of found.outcome?.events ?? []) this.ports.events.record(found.object, event);
    if (this.isReportedLast(found)) {
      this.reports.set(key, found);
      this.queue.addReport(key);
    } else await this.conclude(found, signal);
  }

  /** What went wrong is reported at once: trying again goes by it. */
  private isReportedLast({ outcome }: Found<T>): boolean {
    return this.options.reportsLast === true && outcome !== undefined && outcome.failure === undefined;
  }

  /** One pass; undefined: its object is gone. */
  private async look(key: string, signal: AbortSignal): Promise<Found<T> | undefined> {
    this.passCount += 1;
    const object = this.store.get(refOf(key));
    if (!object) {
      this.queue.drop(key);
      this.countSuccess('success');
      return undefined;
    }
    const reconcileID = `${this.options.name}-${this.passCount}`;
    const refusal = this.ports.refusalOf(object.metadata.namespace ?? '');
    const outcome = refusal ? this.notWatched(refusal) : await this.passes.run(object, signal);
    return { object, reconcileID, ...(outcome && { outcome }), ...(refusal && { refusal }) };
  }

  /** Reports what a pass has found, and what is next for its object. */
  private async conclude(found: Found<T>, signal: AbortSignal): Promise<void> {
    const { object, outcome, refusal } = found;
    const failure = outcome && (await this.report(found, outcome, signal));
    // Where nothing may be watched nothing may be written either, as a rule; trying again would not change that.
    if (failure === undefined || (refusal && isForbidden(failure))) this.succeeded(object, outcome);
    else this.failed(found, failure);
  }

  /** Without its watches nothing is known of the objects around it, so it gets no pass. */
  private notWatched({ message }: Refusal): Outcome {
    const { conditionTypes, writesStatus = true } = this.options;
    if (!writesStatus) return { conditions: [] };
    const [type] = conditionTypes;
    const reason = 'NamespaceNotWatched';
    return {
      conditions: [{ type, status: 'Unknown', reason, message }],
      events: [{ type: 'Warning', reason, message }],
    };
  }

  /** In a status that is written once, and only when something differs; what failed is returned. */
  private async report(found: Found<T>, outcome: Outcome, signal: AbortSignal): Promise<unknown> {
    try {
      if (this.options.writesStatus !== false) await this.writeStatus(found.object, outcome, signal);
      return outcome.failure;
    } catch (error) {
      const fields = { ...this.fieldsOf(found), error: messageOf(error) };
      if (outcome.failure !== undefined) this.ports.log.warn(fields, 'the failure could not be written to the status');
      return outcome.failure ?? error;
    }
  }

  private async writeStatus(object: T, outcome: Outcome, signal: AbortSignal): Promise<void> {
    const { client, clock, fieldManager } = this.ports;
    const { kind, conditionTypes: types, transientConditionTypes: transientTypes = [] } = this.options;
    const hasFailed = outcome.failure !== undefined;
    const isHidden = !hasFailed || this.isPassingConflict(object, outcome.failure);
    const conditions = isHidden ? outcome.conditions : this.failures.conditionsFor(object, outcome);
    if (hasFailed && conditions.length === 0) return;
    const fields = { ...outcome.status, ...this.claims?.fieldsFor(object) };
    const status = nextStatus(
      object,
      { ...outcome, conditions, status: fields },
      { now: clock.now(), types, transientTypes },
    );
    if (!status) return;
    const written = await applyStatus(object, status, { client, kind, fieldManager, signal });
    if (written) this.store.setIfNewer(written);
  }

  private fieldsOf({ object, reconcileID }: Found<T>): object {
    const ref = refOf(keyOf(object.metadata));
    return { controller: this.options.name, kind: this.options.kind.kind, ...ref, reconcileID };
  }

  private isPassingConflict({ metadata }: T, failure: unknown): boolean {
    return isPassingConflict(failure, this.queue.retries(keyOf(metadata)));
  }

  private succeeded(object: T, outcome: Outcome | undefined): void {
    const key = keyOf(object.metadata);
    this.failures.ended(object);
    this.queue.endRetries(key);
    if (outcome?.recheckAt !== undefined) this.queue.addAt(key, outcome.recheckAt);
    this.countSuccess(outcome?.recheckAt === undefined ? 'success' : 'requeue_after');
  }

  private countSuccess(result: 'success' | 'requeue_after'): void {
    this.ports.metrics.reconciles.inc({ controller: this.options.name, result });
  }

  private failed(found: Found<T>, failure: unknown): void {
    const { metrics, log, events } = this.ports;
    const { name: controller } = this.options;
    const { object } = found;
    const key = keyOf(object.metadata);
    const fields = { ...this.fieldsOf(found), error: messageOf(failure) };
    if (this.isPassingConflict(object, failure)) {
      this.queue.retry(key);
      metrics.reconciles.inc({ controller, result: 'requeue' });
      log.debug(fields, 'a pass met a newer version of what it writes');
      return;
    }
    metrics.reconciles.inc({ controller, result: 'error' });
    metrics.reconcileErrors.inc({ controller });
    if (isPanic(failure)) metrics.reconcilePanics.inc({ controller });
    if (failure instanceof TerminalError) {
      this.queue.endRetries(key);
      metrics.terminalErrors.inc({ controller });
      log.error(fields, 'a pass failed, and is not tried again before something changes');
    } else {
      log.warn({ ...fields, retryIn: this.queue.retry(key) }, 'a pass failed');
    }
    events.record(object, { type: 'Warning', reason: 'ReconcileFailed', message: failureMessage(failure) });
  }
}

/** By one pass. */
interface Found<T> {
  readonly object: T;
  readonly reconcileID: string;
  /** Absent: there is nothing to report on any more. */
  readonly outcome?: Outcome;
  /** Why there was no pass. */
  readonly refusal?: Refusal;
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
