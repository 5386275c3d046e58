import type { ApiError } from './client.ts';
import type { Log } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';

/** Why a listed namespace cannot be watched, and what to do. */
export interface Refusal {
  readonly message: string;
}

export interface WatchRefusalsPorts {
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
  /** Those that are listed. */
  readonly namespaces: readonly string[];
  readonly onRefusal?: (namespace: string, refusal: Refusal | undefined) => void;
}

/**
 * Which of the listed namespaces the API server refuses (403). A namespace that was deleted looks the same, for the Role
 * that allowed the watch went with it. The others are watched as before, and each watch here is tried again until it is allowed.
 */
export class WatchRefusals {
  private readonly ports: WatchRefusalsPorts;
  /** Namespace → watch → what the API server answered. */
  private readonly refusals: ReadonlyMap<string, Map<string, ApiError>>;

  constructor(ports: WatchRefusalsPorts) {
    this.ports = ports;
    this.refusals = new Map(ports.namespaces.map((namespace) => [namespace, new Map()]));
    for (const namespace of ports.namespaces) ports.metrics.watchRefused.set({ watch_namespace: namespace }, 0);
  }

  of(namespace: string): Refusal | undefined {
    // The first of many is enough: a message that grew with each refused watch would be a status write each time.
    const [error] = this.refusals.get(namespace)?.values() ?? [];
    if (!error) return undefined;
    return {
      message:
        `namespace ${namespace} cannot be watched: ${error.message}. If it is to be watched, create it and grant the account ` +
        'its rights there; if it is gone, remove it from the list of watched namespaces',
    };
  }

  refused(namespace: string, { what, error }: { readonly what: string; readonly error: ApiError }): void {
    const refusals = this.refusals.get(namespace);
    if (!refusals) return;
    const isNew = refusals.size === 0;
    refusals.set(what, error);
    if (!isNew) return;
    this.ports.metrics.watchRefused.set({ watch_namespace: namespace }, 1);
    this.ports.log.warn({ namespace, error: error.message }, `namespace ${namespace} cannot be watched`);
    this.ports.onRefusal?.(namespace, this.of(namespace));
  }

  allowed(namespace: string, what: string): void {
    const refusals = this.refusals.get(namespace);
    if (!refusals?.delete(what) || refusals.size > 0) return;
    this.ports.metrics.watchRefused.set({ watch_namespace: namespace }, 0);
    this.ports.log.info({ namespace }, `namespace ${namespace} is watched again`);
    this.ports.onRefusal?.(namespace, undefined);
  }
}
