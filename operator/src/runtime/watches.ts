import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { namespaceKind } from './core-kinds.ts';
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
}

/** The watches of all kinds while they run. */
export interface Watches {
  /** Every kind was listed once. */
  readonly synced: Promise<unknown>;
  readonly ended: Promise<unknown>;
  /** What was not listed yet. */
  readonly unsynced: readonly string[];
  /** Watches that do nothing any more, not even try again: a fault of ours that only a restart can mend. */
  readonly stuck: readonly string[];
}

/** A watch tries, hears or gives up silence more often than this, however long its server wants to be left alone. */
const WATCHDOG: Millis = 600_000;

export function startWatches(watched: Iterable<Watched>, ports: WatchesPorts, signal: AbortSignal): Watches {
  const { clock, metrics } = ports;
  const unsynced = new Set<string>();
  const aliveAt = new Map<string, Millis>();
  const syncs: Promise<unknown>[] = [];
  const runs: Promise<void>[] = [];
  for (const { kind, ...watch } of watched) {
    for (const reason of reconnectReasons) metrics.watchReconnects.inc({ kind: kind.kind, reason }, 0);
    for (const scope of scopesOf(kind, ports)) {
      const what = describeScope(kind, scope);
      unsynced.add(what);
      aliveAt.set(what, clock.monotonic());
      const { promise, resolve } = Promise.withResolvers<undefined>();
      syncs.push(promise);
      const options = {
        ...ports,
        kind,
        ...watch,
        ...scope,
        onReconnect: (reason: string) => {
          metrics.watchReconnects.inc({ kind: kind.kind, reason });
        },
        onHeard: () => {
          metrics.watchHeard.set({ kind: kind.kind }, clock.now() / 1000);
        },
        onAlive: () => {
          aliveAt.set(what, clock.monotonic());
        },
      };
      const onSynced = (): void => {
        unsynced.delete(what);
        resolve(undefined);
      };
      runs.push(runReflector(options, signal, onSynced));
    }
  }
  return {
    synced: Promise.all(syncs),
    ended: Promise.all(runs),
    get unsynced() {
      return [...unsynced];
    },
    get stuck() {
      const now = clock.monotonic();
      return [...aliveAt].filter(([, at]) => now - at > WATCHDOG).map(([name]) => name);
    },
  };
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
