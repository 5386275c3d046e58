import { isApiError } from './client.ts';
import type { ControllerOptions, ControllerPorts } from './controller-options.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
import type { FinalizerPorts } from './finalizers.ts';
import type { KubernetesObject } from './objects.ts';
import { objectPath } from './paths.ts';
import type { Outcome, Pass } from './reconciler.ts';
import type { Store } from './store.ts';

/** Calls the reconciler for one object, within a deadline and with the finalizer in its place. */
export class ControllerPass<T extends KubernetesObject> {
  private readonly options: ControllerOptions<T>;
  private readonly ports: ControllerPorts;
  private readonly store: Store<T>;
  private readonly finalizing: FinalizerPorts<T>;

  constructor(options: ControllerOptions<T>, ports: ControllerPorts, store: Store<T>) {
    this.options = options;
    this.ports = ports;
    this.store = store;
    const { kind, finalizer } = options;
    this.finalizing = { client: ports.client, fieldManager: ports.fieldManager, kind, finalizer };
  }

  /** What the reconciler reports or threw; undefined when there is nothing to report on any more. */
  async run(object: T, signal: AbortSignal): Promise<Outcome | undefined> {
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
    if (!reconciler.cleanup) return reconciler.terminating?.(object, pass);
    if (!hasFinalizer(object, finalizer)) return undefined;
    const live = await this.liveOf(object, pass);
    if (!live || !hasFinalizer(live, finalizer)) return undefined;
    const outcome = await reconciler.cleanup(live, pass);
    if (!outcome.done || outcome.failure !== undefined) return outcome;
    for (const event of outcome.events ?? []) this.ports.events.record(live, event);
    await removeFinalizer(live, this.finalizing, pass.signal);
    return undefined;
  }

  /** What cannot be undone is decided on the object as it is now, for example after its owner asked to retain something. */
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
}
