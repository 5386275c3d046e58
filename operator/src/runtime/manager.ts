import { listed } from './listed.ts';
import type { ApiClient } from './client.ts';
import { wait, whenAborted } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Cluster, NamespaceWatch } from './cluster.ts';
import { Controller } from './controller.ts';
import type { ControllerOptions } from './controller-options.ts';
import { createEventRecorder } from './events.ts';
import type { EventRecorder } from './events.ts';
import { podKind } from './core-kinds.ts';
import type { Health } from './health.ts';
import { LEASE, WorkGoesOn, runAsLeader } from './leader-election.ts';
import { createLiveCluster } from './live-cluster.ts';
import type { Log } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { Kind, KubernetesObject, Millis, ObjectRef } from './objects.ts';
import { kindKey } from './paths.ts';
import { PerObject } from './per-object.ts';
import { Store } from './store.ts';
import type { Change, StoreOptions } from './store.ts';
import { startWatches } from './watches.ts';
import type { Refusal } from './watch-refusals.ts';
import type { Watched, Watches } from './watches.ts';

export interface LeaderElection {
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Of its own, so that nothing the controllers do makes a renewal wait; absent: theirs. */
  readonly client?: ApiClient;
  /** How long the lease is good for, in whole seconds; default 12 s. */
  readonly lease?: Millis;
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
  /** The pod of this process: what concerns no object is recorded as an event about it. */
  readonly pod?: ObjectRef;
  /** Absent: this process is alone and leads at once. */
  readonly leaderElection?: LeaderElection;
  /**
   * Namespaces whose objects are watched, as a Role in each of them allows; none: all. Of the Namespaces themselves only
   * these are watched then, every other kind that is in no namespace is watched without a filter.
   */
  readonly namespaces?: readonly string[];
}

/** With the ways in which the kind's objects are looked up. */
export interface WatchOptions<T extends KubernetesObject> extends StoreOptions<T> {
  /** `key=value,…`: only these objects are known, and only their kind's cache is asked for them. */
  readonly labelSelector?: string;
}

export type PerObjectOf = <V>(kind: Kind, onDropped?: (value: V) => void) => PerObject<V>;

/** Puts watches, controllers, leader election and health together. */
export interface Manager {
  /** Reads come from the watches; to be used once `run` has synced them. */
  readonly cluster: Cluster;
  readonly events: EventRecorder;
  readonly health: Health;
  /** Keeps a cache of a kind. Register every kind before `run`. */
  watch<T extends KubernetesObject>(kind: Kind<T>, options?: WatchOptions<T>): void;
  /** What the process remembers about objects of a watched kind; an entry is dropped when its object is gone. */
  readonly perObject: PerObjectOf;
  /** Called after each change of an object of a watched kind, also in a process that does not lead. */
  follow<T extends KubernetesObject>(kind: Kind<T>, listener: (change: Change<T>) => void): void;
  /** Its own kind and those of its mappings must be watched. */
  control<T extends KubernetesObject>(options: ControllerOptions<T>): void;
  /**
   * Further work as soon as the caches are filled, whether this process leads or not: whatever a successor should know already
   * in the moment in which it leads. It writes nothing. Its promise settles once `signal` has aborted and everything has ended.
   */
  whileRunning(work: (signal: AbortSignal) => Promise<void>): void;
  /** Further work while this process leads; its promise settles once `signal` has aborted and everything has ended. */
  whileLeading(work: (signal: AbortSignal) => Promise<void>): void;
  /** Works until `signal` aborts (finished) or leadership is lost, after which the process should end. */
  run(signal: AbortSignal): Promise<'finished' | 'lost'>;
}

/** The caches did not fill in time: the API server is away, or refuses a list. */
export class CachesNotSynced extends Error {
  override readonly name: string = 'CachesNotSynced';
}

/** controller-runtime's CacheSyncTimeout. */
const SYNCED_WITHIN: Millis = 120_000;
/** What is under way may end, within the 30 s that Kubernetes gives a pod. */
const STOPPED_WITHIN: Millis = 25_000;
/** A timer that stays away for so long means that the event loop is stuck. */
const BEAT_WITHIN: Millis = 60_000;
/** By so long after the end of its lease somebody else leads. */
const OVERDUE_FOR: Millis = 5_000;

export function createManager(options: ManagerOptions): Manager {
  const { client, clock, log, metrics, fieldManager, hashAnnotation, identity, namespaces = [] } = options;
  const watched = new Map<string, Watched>();
  const stores = new Map<string, Store>();
  const controllers: Pick<Controller<KubernetesObject>, 'run' | 'reconcileAll'>[] = [];
  const furtherWork: ((signal: AbortSignal) => Promise<void>)[] = [];
  const standingWork: ((signal: AbortSignal) => Promise<void>)[] = [];
  const events = createEventRecorder({
    client,
    clock,
    log,
    controller: fieldManager,
    instance: identity,
    sources: stores,
  });
  const { lease = LEASE } = options.leaderElection ?? {};
  let watches: Watches | undefined;
  /** While this process leads. */
  let renewedAt: Millis | undefined;
  let lastBeat = clock.monotonic();

  function storeOf(kind: Kind): Store {
    const store = stores.get(kindKey(kind));
    if (!store) throw new Error(`${kind.kind} is not watched; call watch() first`);
    return store;
  }

  function watchOf(namespace: string): NamespaceWatch {
    if (namespaces.length > 0 && !namespaces.includes(namespace)) return 'not-listed';
    return watches?.refusalOf(namespace) ? 'refused' : 'watched';
  }

  const refusedNamespaces = (): readonly string[] => namespaces.filter((namespace) => watchOf(namespace) === 'refused');

  function sick(): string | undefined {
    const now = clock.monotonic();
    if (now - lastBeat > BEAT_WITHIN) return 'the event loop stands still';
    if (renewedAt !== undefined && now - renewedAt > lease + OVERDUE_FOR) {
      return `this process leads, but lease ${options.leaderElection?.name ?? ''} was renewed ${Math.round((now - renewedAt) / 1000)} s ago`;
    }
    const stuck = watches?.stuck ?? [];
    return stuck.length > 0 ? `watches neither hear nor try again: ${listed(stuck)}` : undefined;
  }

  function notReady(): string | undefined {
    if (!watches) return 'nothing is watched yet';
    const { unsynced } = watches;
    return unsynced.length > 0 ? `not yet listed: ${listed(unsynced)}` : undefined;
  }

  async function untilSynced({ synced }: Watches, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    const late = wait(clock, SYNCED_WITHIN, waiting.signal).then(() => {
      throw new CachesNotSynced(
        `fill the caches: ${notReady() ?? ''} within ${SYNCED_WITHIN / 1000} s; the log has the reason`,
      );
    });
    try {
      await Promise.race([synced, whenAborted(signal), late]);
    } finally {
      late.catch(() => undefined);
      waiting.abort();
    }
  }

  async function lead(leading: AbortSignal): Promise<void> {
    log.info({ controllers: controllers.length }, 'controllers start');
    // Also one without controllers works on: its caches are read by somebody.
    const ended = Promise.all([
      whenAborted(leading),
      ...furtherWork.map((work) => work(leading)),
      ...controllers.map((controller) => controller.run(leading)),
    ]);
    const overtime = whenAborted(leading)
      .then(() => wait(clock, STOPPED_WITHIN))
      .then(() => {
        throw new WorkGoesOn(`stop: what was under way has not ended within ${STOPPED_WITHIN / 1000} s`);
      });
    overtime.catch(() => undefined);
    await Promise.race([ended, overtime]);
  }

  return {
    cluster: createLiveCluster({
      client,
      clock,
      stores,
      fieldManager,
      hashAnnotation,
      namespaces: { watches: watchOf, refusedNamespaces },
    }),
    events,
    health: { sick, notReady },
    perObject: (kind, onDropped) => new PerObject(storeOf(kind), { clock, ...(onDropped && { onDropped }) }),
    watch<T extends KubernetesObject>(kind: Kind<T>, { labelSelector, ...lookups }: WatchOptions<T> = {}) {
      if (stores.has(kindKey(kind))) throw new Error(`${kind.kind} is watched already; there is one cache of a kind`);
      const store = new Store<T>(lookups) as unknown as Store;
      watched.set(kindKey(kind), { kind, store, ...(labelSelector !== undefined && { labelSelector }) });
      stores.set(kindKey(kind), store);
    },
    control(controller) {
      const refusalOf = (namespace: string): Refusal | undefined => watches?.refusalOf(namespace);
      const { leaderElection } = options;
      const installation = leaderElection && `${leaderElection.namespace}/${leaderElection.name}`;
      const ports = {
        client,
        clock,
        log,
        events,
        metrics,
        fieldManager,
        refusalOf,
        ...(installation !== undefined && { installation }),
      };
      controllers.push(new Controller(controller, ports, storeOf));
    },
    follow<T extends KubernetesObject>(kind: Kind<T>, listener: (change: Change<T>) => void) {
      // The store of a kind holds objects of that kind only.
      storeOf(kind).onChange((change) => {
        listener(change as Change<T>);
      });
    },
    whileRunning(work) {
      standingWork.push(work);
    },
    whileLeading(work) {
      furtherWork.push(work);
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
      const onRefusal = (_namespace: string, refusal: Refusal | undefined): void => {
        if (refusal && options.pod) {
          const { message } = refusal;
          const regarding = { apiVersion: podKind.apiVersion, kind: podKind.kind, metadata: options.pod };
          events.record(regarding, { type: 'Warning', reason: 'NamespaceNotWatched', message });
        }
        for (const controller of controllers) controller.reconcileAll();
      };
      const running = startWatches(watched.values(), { client, clock, log, metrics, namespaces, onRefusal }, all);
      watches = running;
      let standing: Promise<unknown> = Promise.resolve();
      try {
        // First to know, then to lead: a process whose caches do not fill must not keep others from leading.
        await untilSynced(running, all);
        if (all.aborted) return 'finished';
        log.info({ kinds: watched.size }, 'caches are filled');
        standing = Promise.all(standingWork.map((work) => work(all)));
        return await withLeadership(all);
      } finally {
        stopBeat();
        ended.abort();
        await Promise.all([running.ended, standing]);
      }
    },
  };

  async function withLeadership(signal: AbortSignal): Promise<'finished' | 'lost'> {
    const { leaderElection } = options;
    if (!leaderElection) {
      await lead(signal);
      return 'finished';
    }
    const onLeading = (leads: boolean): void => {
      metrics.leads.set({ name: leaderElection.name }, leads ? 1 : 0);
      renewedAt = leads ? clock.monotonic() : undefined;
    };
    const onRenewed = (): void => {
      if (renewedAt !== undefined) renewedAt = clock.monotonic();
    };
    onLeading(false);
    return runAsLeader({ client, clock, log, identity, onLeading, onRenewed, ...leaderElection }, signal, lead);
  }
}
