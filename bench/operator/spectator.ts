import { authConsumerKind } from '../../operator/src/api/auth-consumer.ts';
import { authStackKind } from '../../operator/src/api/auth-stack.ts';
import { FIELD_MANAGER, STACK_LABEL } from '../../operator/src/api/names.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { systemClock } from '../../operator/src/runtime/clock.ts';
import {
  ingressKind,
  networkPolicyKind,
  persistentVolumeClaimKind,
  podDisruptionBudgetKind,
  secretKind,
  serviceKind,
  statefulSetKind,
} from '../../operator/src/runtime/core-kinds.ts';
import { silent } from '../../operator/src/runtime/log.ts';
import type { Kind, KubernetesObject } from '../../operator/src/runtime/objects.ts';
import { kindKey } from '../../operator/src/runtime/paths.ts';
import { runReflector } from '../../operator/src/runtime/reflector.ts';
import { Store } from '../../operator/src/runtime/store.ts';
import type { Ref } from './seed.ts';

const madeKinds: readonly Kind[] = [
  secretKind,
  serviceKind,
  persistentVolumeClaimKind,
  statefulSetKind,
  podDisruptionBudgetKind,
  ingressKind,
  networkPolicyKind,
];

const TIMEOUT = 600_000;

/** Sees through watches of its own what the operator makes. */
export interface Spectator extends AsyncDisposable {
  get<T extends KubernetesObject>(kind: Kind<T>, ref: Ref): T | undefined;
  list<T extends KubernetesObject>(kind: Kind<T>): readonly T[];
  /** What was made for a stack, as kinds and names without the stack's own. */
  madeFor(ref: Ref): readonly string[];
  /** When anything last changed, on performance.now(). */
  readonly lastChangeAt: number;
  /** Resolves as soon as `holds` does, which is called after each change; answers when, on performance.now(). */
  until(what: string, holds: () => boolean): Promise<number>;
}

export async function startSpectator(client: ApiClient): Promise<Spectator> {
  const stop = new AbortController();
  const stores = new Map<string, Store>();
  const looks = new Set<() => void>();
  let lastChangeAt = performance.now();

  const watch = (kind: Kind, labelSelector?: string): { synced: Promise<unknown>; ended: Promise<void> } => {
    const store = new Store({ labels: [STACK_LABEL] });
    stores.set(kindKey(kind), store);
    store.onChange(() => {
      lastChangeAt = performance.now();
      for (const look of looks) look();
    });
    const { promise: synced, resolve } = Promise.withResolvers<undefined>();
    const selected = labelSelector === undefined ? {} : { labelSelector };
    const options = { client, kind, store, clock: systemClock, log: silent, ...selected };
    return {
      synced,
      ended: runReflector(options, stop.signal, () => {
        resolve(undefined);
      }),
    };
  };
  const own = `app.kubernetes.io/managed-by=${FIELD_MANAGER}`;
  const watches = [...madeKinds.map((kind) => watch(kind, own)), watch(authStackKind), watch(authConsumerKind)];
  await Promise.all(watches.map(({ synced }) => synced));

  return {
    get: <T extends KubernetesObject>(kind: Kind<T>, ref: Ref) => stores.get(kindKey(kind))?.get(ref) as T | undefined,
    list: <T extends KubernetesObject>(kind: Kind<T>) => (stores.get(kindKey(kind))?.list() ?? []) as readonly T[],
    madeFor({ namespace, name }) {
      const objects = madeKinds.flatMap((kind) => {
        const made = stores.get(kindKey(kind))?.list({ namespace, labels: { [STACK_LABEL]: name } }) ?? [];
        return made.map(({ metadata }) => `${kind.kind} ${metadata.name.replace(name, '')}`);
      });
      return objects.sort((a, b) => a.localeCompare(b));
    },
    get lastChangeAt() {
      return lastChangeAt;
    },
    until(what, holds) {
      return new Promise((resolve, reject) => {
        const end = (settle: () => void): void => {
          looks.delete(look);
          cancel();
          settle();
        };
        const look = (): void => {
          if (!holds()) return;
          end(() => {
            resolve(performance.now());
          });
        };
        const cancel = systemClock.after(TIMEOUT, () => {
          end(() => {
            reject(new Error(`${what} has not happened within ${TIMEOUT / 1000} s`));
          });
        });
        looks.add(look);
        look();
      });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(watches.map(({ ended }) => ended));
    },
  };
}
