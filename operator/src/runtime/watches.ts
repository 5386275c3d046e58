import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { namespaceKind } from './core-kinds.ts';
import { WatchRefusals } from './watch-refusals.ts';
import type { Refusal } from './watch-refusals.ts';
import type { Kind, KubernetesObject, Millis } from './objects.ts';
import { kindKey } from './paths.ts';
import { reconnectReasons, runReflector } from './reflector.ts';
import type { ReflectorOptions } from './reflector.ts';
import type { Store } from './store.ts';

export interface Watched {
  readonly kind: Kind;
  readonly store: Store;
  readonly labelSelector?: string;
}

export interface WatchesPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
  /** None: all. */
  readonly namespaces: readonly string[];
  /** A listed namespace cannot be watched from now on, or can be again. */
  readonly onRefusal?: (namespace: string, refusal: Refusal | undefined) => void;
}

/** The watches of all kinds while they run. */
export interface Watches {
  /** Everything was listed once, except where the API server refuses a listed namespace. */
  readonly synced: Promise<unknown>;
  readonly ended: Promise<unknown>;
  /** What was not listed yet. */
  readonly unsynced: readonly string[];
  /** Watches that do nothing any more, not even try again: a fault of ours that only a restart can mend. */
  readonly stuck: readonly string[];
  /** Why a listed namespace cannot be watched; undefined while it is. */
  refusalOf(namespace: string): Refusal | undefined;
}

/** A watch tries, hears or gives up silence more often than this, however long its server wants to be left alone. */
const WATCHDOG: Millis = 600_000;

export function startWatches(watched: Iterable<Watched>, ports: WatchesPorts, signal: AbortSignal): Watches {
  const { clock, metrics } = ports;
  const refusals = new WatchRefusals(ports);
  const watches: Watch[] = [];
  for (const one of watched) {
    for (const reason of reconnectReasons) metrics.watchReconnects.inc({ kind: one.kind.kind, reason }, 0);
    for (const scope of scopesOf(one.kind, ports)) {
      watches.push(startWatch({ ...one, scope }, { ...ports, refusals }, signal));
    }
  }
  return {
    synced: Promise.all(watches.map(({ synced }) => synced)),
    ended: Promise.all(watches.map(({ ended }) => ended)),
    get unsynced() {
      return watches.filter(({ isSynced }) => !isSynced()).map(({ what }) => what);
    },
    get stuck() {
      const now = clock.monotonic();
      return watches.filter(({ aliveAt }) => now - aliveAt() > WATCHDOG).map(({ what }) => what);
    },
    refusalOf: (namespace) => refusals.of(namespace),
  };
}

/** Of one kind, in one namespace or in all. */
interface Watch {
  /** As people read it, `secrets in shop`. */
  readonly what: string;
  readonly synced: Promise<unknown>;
  readonly ended: Promise<unknown>;
  readonly isSynced: () => boolean;
  readonly aliveAt: () => Millis;
}

function startWatch(
  { scope, kind, ...watched }: Watched & { readonly scope: WatchScope },
  { refusals, ...ports }: WatchesPorts & { readonly refusals: WatchRefusals },
  signal: AbortSignal,
): Watch {
  const { clock, metrics } = ports;
  const what = describeScope(kind, scope);
  const namespace = scope.name ?? scope.namespace;
  const synced = Promise.withResolvers<undefined>();
  let isSynced = false;
  let aliveAt = clock.monotonic();
  const onSynced = (): void => {
    isSynced = true;
    synced.resolve(undefined);
  };
  const options: ReflectorOptions<KubernetesObject> = {
    ...ports,
    kind,
    ...watched,
    ...scope,
    onReconnect: (reason) => {
      metrics.watchReconnects.inc({ kind: kind.kind, reason });
    },
    onHeard: () => {
      metrics.watchHeard.set({ kind: kind.kind, watch_namespace: namespace ?? '' }, clock.now() / 1000);
    },
    onAlive: () => {
      aliveAt = clock.monotonic();
    },
    ...(namespace !== undefined && {
      onWatching: () => {
        refusals.allowed(namespace, what);
      },
      onRefused: (error) => {
        refusals.refused(namespace, { what, error });
        // That it is silent is no news while it is refused.
        metrics.watchHeard.remove({ kind: kind.kind, watch_namespace: namespace });
        // The other namespaces do not wait for this one.
        onSynced();
      },
    }),
  };
  const ended = runReflector(options, signal, onSynced);
  return { what, synced: synced.promise, ended, isSynced: () => isSynced, aliveAt: () => aliveAt };
}

type WatchScope = Pick<ReflectorOptions<KubernetesObject>, 'namespace' | 'name'>;

function scopesOf(kind: Kind, { namespaces }: WatchesPorts): readonly WatchScope[] {
  if (namespaces.length === 0) return [{}];
  if (kind.namespaced) return namespaces.map((namespace) => ({ namespace }));
  return kindKey(kind) === kindKey(namespaceKind) ? namespaces.map((name) => ({ name })) : [{}];
}

function describeScope({ plural }: Kind, { namespace, name }: WatchScope): string {
  if (name !== undefined) return `${plural} ${name}`;
  return namespace === undefined ? plural : `${plural} in ${namespace}`;
}
