import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { Cluster } from './cluster.ts';
import { Controller } from './controller.ts';
import type { ControllerOptions } from './controller.ts';
import { namespaceKind } from './core-kinds.ts';
import { createEventRecorder } from './events.ts';
import type { EventRecorder } from './events.ts';
import type { Health } from './health.ts';
import { runAsLeader } from './leader-election.ts';
import { createLiveCluster } from './live-cluster.ts';
import type { Log } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { Kind, KubernetesObject } from './objects.ts';
import { kindKey } from './paths.ts';
import { runReflector } from './reflector.ts';
import type { ReflectorOptions } from './reflector.ts';
import { Store } from './store.ts';
import type { StoreOptions } from './store.ts';

export interface LeaderElection {
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
}

export interface ManagerOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
  /** Of server-side apply, and the controller of events. */
  readonly fieldManager: string;
  /** Annotation that carries the hash of what was applied. */
  readonly hashAnnotation: string;
  /** Of this process, its pod's name. */
  readonly identity: string;
  /** Absent: this process is alone and leads at once. */
  readonly leaderElection?: LeaderElection;
  /**
   * Namespaces whose objects are watched, as a Role in each of them allows; none: all. Of the Namespaces themselves only
   * these are watched then, every other kind that is in no namespace is watched whole.
   */
  readonly namespaces?: readonly string[];
}

/** With the ways in which the kind's objects are looked up. */
export interface WatchOptions<T extends KubernetesObject> extends StoreOptions<T> {
  /** `key=value,…`: only these objects are known, and only their kind's cache is asked for them. */
  readonly labelSelector?: string;
}

/** Puts watches, controllers, leader election and health together. */
export interface Manager {
  /** Reads come from the watches; to be used once `run` has synced them. */
  readonly cluster: Cluster;
  readonly events: EventRecorder;
  readonly health: Health;
  /** Keeps a cache of a kind. Register every kind before `run`. */
  watch<T extends KubernetesObject>(kind: Kind<T>, options?: WatchOptions<T>): void;
  /** Its own kind and those of its mappings must be watched. */
  control<T extends KubernetesObject>(options: ControllerOptions<T>): void;
  /** Works until `signal` aborts (finished) or leadership is lost, after which the process should end. */
  run(signal: AbortSignal): Promise<'finished' | 'lost'>;
}

interface Watched {
  readonly kind: Kind;
  readonly store: Store;
  readonly labelSelector?: string;
}

export function createManager(options: ManagerOptions): Manager {
  const { client, clock, log, metrics, fieldManager, hashAnnotation, identity, namespaces = [] } = options;
  const watched = new Map<string, Watched>();
  const stores = new Map<string, Store>();
  const controllers: { run: (signal: AbortSignal) => Promise<void> }[] = [];
  const unsynced = new Set<string>();
  const events = createEventRecorder({ client, clock, log, controller: fieldManager, instance: identity });
  let isStarted = false;
  let lastBeat = clock.monotonic();

  function storeOf(kind: Kind): Store {
    const store = stores.get(kindKey(kind));
    if (!store) throw new Error(`${kind.kind} is not watched; call watch() before control()`);
    return store;
  }

  function startWatches(signal: AbortSignal): { synced: Promise<unknown>; ended: Promise<unknown> } {
    const runs: Promise<void>[] = [];
    const syncs: Promise<void>[] = [];
    for (const { kind, store, labelSelector } of watched.values()) {
      for (const scope of scopesOf(kind, namespaces)) {
        const what = describeScope(kind, scope);
        unsynced.add(what);
        const { promise, resolve } = Promise.withResolvers<undefined>();
        syncs.push(promise);
        const reflector = {
          client,
          kind,
          store,
          clock,
          log,
          ...(labelSelector !== undefined && { labelSelector }),
          ...scope,
          onReconnect: (reason: string) => {
            metrics.watchReconnects.inc({ kind: kind.kind, reason });
          },
          onHeard: () => {
            metrics.watchHeard.set({ kind: kind.kind }, clock.now() / 1000);
          },
        };
        const run = runReflector(reflector, signal, () => {
          unsynced.delete(what);
          resolve(undefined);
        });
        runs.push(run);
      }
    }
    return { synced: Promise.all(syncs), ended: Promise.all(runs) };
  }

  return {
    cluster: createLiveCluster({ client, clock, stores, fieldManager, hashAnnotation }),
    events,
    health: {
      // A timer that stays away for a minute means that the event loop is stuck.
      sick: () => (clock.monotonic() - lastBeat > 60_000 ? 'the event loop stands still' : undefined),
      notReady: () => {
        if (!isStarted) return 'nothing is watched yet';
        return unsynced.size > 0 ? `not yet listed: ${[...unsynced].join(', ')}` : undefined;
      },
    },
    watch<T extends KubernetesObject>(kind: Kind<T>, { labelSelector, ...lookups }: WatchOptions<T> = {}) {
      if (stores.has(kindKey(kind))) throw new Error(`${kind.kind} is watched already; there is one cache of a kind`);
      const store = new Store<T>(lookups) as unknown as Store;
      watched.set(kindKey(kind), { kind, store, ...(labelSelector !== undefined && { labelSelector }) });
      stores.set(kindKey(kind), store);
    },
    control(controller) {
      controllers.push(new Controller(controller, { client, clock, log, events, metrics, fieldManager }, storeOf));
    },
    async run(signal) {
      const ended = new AbortController();
      const all = AbortSignal.any([signal, ended.signal]);
      let stopBeat = (): void => undefined;
      const beat = (): void => {
        lastBeat = clock.monotonic();
        stopBeat = clock.after(5_000, beat);
      };
      beat();
      const watches = startWatches(all);
      isStarted = true;
      try {
        // First to know, then to lead: a process whose caches do not fill must not keep others from leading.
        await Promise.race([watches.synced, whenAborted(all)]);
        if (all.aborted) return 'finished';
        log.info({ kinds: watched.size }, 'caches are filled');
        return await withLeadership(all);
      } finally {
        stopBeat();
        ended.abort();
        await watches.ended;
      }
    },
  };

  async function withLeadership(signal: AbortSignal): Promise<'finished' | 'lost'> {
    const { leaderElection } = options;
    const lead = async (leading: AbortSignal): Promise<void> => {
      log.info({ controllers: controllers.length }, 'controllers start');
      // Also one without controllers works on: its caches are read by somebody.
      await Promise.all([whenAborted(leading), ...controllers.map((controller) => controller.run(leading))]);
    };
    if (!leaderElection) {
      await lead(signal);
      return 'finished';
    }
    const onLeading = (leads: boolean): void => {
      metrics.leads.set({ name: leaderElection.name }, leads ? 1 : 0);
    };
    onLeading(false);
    return runAsLeader({ client, clock, log, identity, onLeading, ...leaderElection }, signal, lead);
  }
}

type WatchScope = Pick<ReflectorOptions<KubernetesObject>, 'namespace' | 'name'>;

function scopesOf(kind: Kind, namespaces: readonly string[]): readonly WatchScope[] {
  if (namespaces.length === 0) return [{}];
  if (kind.namespaced) return namespaces.map((namespace) => ({ namespace }));
  return kindKey(kind) === kindKey(namespaceKind) ? namespaces.map((name) => ({ name })) : [{}];
}

function describeScope({ plural }: Kind, { namespace, name }: WatchScope): string {
  if (name !== undefined) return `${plural} ${name}`;
  return namespace === undefined ? plural : `${plural} in ${namespace}`;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    const aborted = (): void => {
      resolve();
    };
    signal.addEventListener('abort', aborted, { once: true });
  });
}
