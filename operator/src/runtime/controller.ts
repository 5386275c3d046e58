import { isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import { mergeConditions } from './conditions.ts';
import type { EventRecorder } from './events.ts';
import { messageOf } from './log.ts';
import type { Log } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { keyOf, refOf } from './objects.ts';
import type { Condition, Kind, KubernetesObject, Millis } from './objects.ts';
import { objectPath } from './paths.ts';
import type { Outcome, Reconciler } from './reconciler.ts';
import type { Change, Store } from './store.ts';
import { WorkQueue } from './work-queue.ts';

/** Objects of another kind whose changes concern objects of the controller's own kind. */
export interface Mapping<T extends KubernetesObject = KubernetesObject> {
  readonly kind: Kind<T>;
  /** Keys (`namespace/name`) of the objects to look at when this one changed. */
  readonly keys: (object: T) => readonly string[];
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

export interface ControllerPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly metrics: RuntimeMetrics;
  readonly fieldManager: string;
}

interface WithStatus extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Brings each object of one kind to a reconciler: once at a time, again after changes, failures and rechecks. */
export class Controller<T extends KubernetesObject> {
  private readonly options: ControllerOptions<T>;
  private readonly ports: ControllerPorts;
  private readonly store: Store<T>;
  private readonly queue: WorkQueue;
  private readonly failingSince: Map<string, Millis> = new Map();

  constructor(options: ControllerOptions<T>, ports: ControllerPorts, stores: (kind: Kind) => Store) {
    this.options = options;
    this.ports = ports;
    this.store = stores(options.kind) as unknown as Store<T>;
    this.queue = new WorkQueue({ clock: ports.clock, backoff: { base: 100, cap: 60_000 } });
    this.store.onChange((change) => {
      if (concernsSpec(change)) this.add(keyOf(objectOf(change).metadata));
    });
    for (const { kind, keys } of options.mappings ?? []) {
      // Before and after: an object that changed its owner concerns both.
      stores(kind).onChange(({ before, after }) => {
        const concerned = [before, after].flatMap((object) => (object ? keys(object) : []));
        for (const key of new Set(concerned)) this.add(key);
      });
    }
    metricsFromZero(ports.metrics, options.name);
  }

  /** Works until `signal` aborts; then finishes what is under way. */
  async run(signal: AbortSignal): Promise<void> {
    for (const { metadata } of this.store.list()) this.add(keyOf(metadata));
    const workers = Array.from({ length: this.options.concurrency ?? 4 }, () => this.work(signal));
    const stop = (): void => void this.queue.shutDownWithDrain();
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    await Promise.all(workers);
  }

  private add(key: string): void {
    this.ports.metrics.queueAdds.inc({ name: this.options.name });
    this.queue.add(key);
    this.ports.metrics.queueDepth.set({ name: this.options.name }, this.queue.depth);
  }

  private async work(signal: AbortSignal): Promise<void> {
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      if (!signal.aborted) await this.pass(key, signal);
      this.queue.done(key);
    }
  }

  private async pass(key: string, signal: AbortSignal): Promise<void> {
    const { metrics, clock } = this.ports;
    const controller = this.options.name;
    const begun = clock.monotonic();
    metrics.activeWorkers.inc({ controller });
    try {
      const recheckAt = await this.reconcile(key, signal);
      this.failingSince.delete(key);
      this.queue.forget(key);
      if (recheckAt !== undefined) this.queue.addAfter(key, Math.max(0, recheckAt - clock.now()));
      metrics.reconciles.inc({ controller, result: recheckAt === undefined ? 'success' : 'requeue_after' });
    } catch (error) {
      if (!signal.aborted) await this.failed(key, error, signal);
    } finally {
      metrics.activeWorkers.dec({ controller });
      metrics.reconcileSeconds.observe({ controller }, (clock.monotonic() - begun) / 1000);
    }
  }

  private async reconcile(key: string, signal: AbortSignal): Promise<Millis | undefined> {
    const object = this.store.get(refOf(key));
    if (!object) return undefined;
    const { reconciler, passWithin = 60_000 } = this.options;
    const deadline = new AbortController();
    const cancel = this.ports.clock.after(passWithin, () => {
      this.ports.metrics.reconcileTimeouts.inc({ controller: this.options.name });
      deadline.abort(new Error(`the pass took longer than ${passWithin} ms`));
    });
    const pass = { signal: AbortSignal.any([signal, deadline.signal]), now: this.ports.clock.now() };
    try {
      if (object.metadata.deletionTimestamp !== undefined) {
        if (!reconciler.cleanup || !this.hasFinalizer(object)) return undefined;
        const outcome = await reconciler.cleanup(object, pass);
        if (outcome.done) {
          await this.setFinalizer(object, false, pass.signal);
          return undefined;
        }
        return await this.report(object, outcome, pass);
      }
      const ready = reconciler.cleanup ? await this.withFinalizer(object, pass.signal) : object;
      return await this.report(ready, await reconciler.apply(ready, pass), pass);
    } finally {
      cancel();
    }
  }

  /** Writes what was observed, once and only when it says something new. */
  private async report(
    object: T,
    outcome: Outcome,
    { signal, now }: { readonly signal: AbortSignal; readonly now: Millis },
  ): Promise<Millis | undefined> {
    for (const event of outcome.events ?? []) this.ports.events.record(object, event);
    await this.writeStatus(object, outcome, { signal, now });
    return outcome.recheckAt;
  }

  private async writeStatus(
    object: T,
    outcome: Outcome,
    { signal, now }: { readonly signal: AbortSignal; readonly now: Millis },
  ): Promise<void> {
    const stored = (object as WithStatus).status ?? {};
    const generation = object.metadata.generation ?? 0;
    const types = this.options.conditionTypes;
    const status = withoutUndefined({
      ...stored,
      ...outcome.status,
      observedGeneration: generation,
      conditions: mergeConditions(stored.conditions ?? [], outcome.conditions, { now, generation, types }),
    });
    if (sameJson(status, stored)) return;
    const { apiVersion, kind, metadata } = object;
    const { name, namespace, uid } = metadata;
    const answer = await this.ports.client.send<T>({
      method: 'PATCH',
      path: `${objectPath(this.options.kind, metadata)}/status`,
      query: { fieldManager: this.ports.fieldManager, force: 'true' },
      // The uid: a status must never land on another object of the same name.
      body: { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }), uid }, status },
      contentType: 'application/apply-patch+yaml',
      signal,
    });
    this.store.setIfNewer(answer);
  }

  private async failed(key: string, error: unknown, signal: AbortSignal): Promise<void> {
    const { metrics, log, clock, events } = this.ports;
    const { name: controller, kind, failFor = 120_000, conditionTypes } = this.options;
    const ref = refOf(key);
    const delay = this.queue.addRateLimited(key);
    metrics.queueRetries.inc({ name: controller });
    // Decided on an object that has changed since: the next pass sees the newer one.
    if (isApiError(error, 409)) {
      metrics.reconciles.inc({ controller, result: 'requeue' });
      log.debug({ controller, ...ref }, messageOf(error));
      return;
    }
    metrics.reconciles.inc({ controller, result: 'error' });
    metrics.reconcileErrors.inc({ controller });
    log.warn({ controller, kind: kind.kind, ...ref, retryIn: delay, error: messageOf(error) }, 'a pass failed');
    const object = this.store.get(ref);
    if (!object) return;
    const message = `${messageOf(error)}; tried again with growing pauses`;
    events.record(object, { type: 'Warning', reason: 'ReconcileFailed', message });

    const since = this.failingSince.get(key) ?? clock.monotonic();
    this.failingSince.set(key, since);
    if (clock.monotonic() - since < failFor) return;
    const [summary] = conditionTypes;
    const condition = { type: summary, status: 'Unknown', reason: 'ReconcileFailed', message } as const;
    await this.writeStatus(object, { conditions: [condition] }, { signal, now: clock.now() }).catch(
      (reason: unknown) => {
        log.warn({ controller, ...ref, error: messageOf(reason) }, 'the failure could not be written to the status');
      },
    );
  }

  private hasFinalizer({ metadata }: T): boolean {
    return metadata.finalizers?.includes(this.options.finalizer) ?? false;
  }

  private async withFinalizer(object: T, signal: AbortSignal): Promise<T> {
    return this.hasFinalizer(object) ? object : this.setFinalizer(object, true, signal);
  }

  /** Bound to the version that was seen, so that no other finalizer is lost. */
  private async setFinalizer(object: T, present: boolean, signal: AbortSignal): Promise<T> {
    const { finalizer, kind } = this.options;
    const { resourceVersion, finalizers = [] } = object.metadata;
    const others = finalizers.filter((other) => other !== finalizer);
    const answer = await this.ports.client.send<T>({
      method: 'PATCH',
      path: objectPath(kind, object.metadata),
      query: { fieldManager: this.ports.fieldManager },
      body: { metadata: { resourceVersion, finalizers: present ? [...others, finalizer] : others } },
      contentType: 'application/merge-patch+json',
      signal,
    });
    if (present) this.store.setIfNewer(answer);
    return answer;
  }
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

function metricsFromZero(metrics: RuntimeMetrics, controller: string): void {
  for (const result of ['success', 'error', 'requeue', 'requeue_after']) {
    metrics.reconciles.inc({ controller, result }, 0);
  }
  metrics.reconcileErrors.inc({ controller }, 0);
  metrics.activeWorkers.set({ controller }, 0);
}

function withoutUndefined(value: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}

/** Equal as data, whatever the order of keys. */
function sameJson(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  );
}
