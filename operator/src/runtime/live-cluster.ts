import { createHash } from 'node:crypto';
import { isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { CallOptions, Cluster, ListOptions, LiveListOptions, Performed } from './cluster.ts';
import { canonical } from './json.ts';
import type { Kind, KubernetesObject, Millis, ObjectRef } from './objects.ts';
import { collectionPath, kindKey, objectPath } from './paths.ts';
import { PerObject } from './per-object.ts';
import type { Store } from './store.ts';
import { contains } from './subset.ts';

/** Whoever makes it meanwhile is met by `create`. */
const ABSENCE_BELIEVED: Millis = 60_000;
/** A live list is for a handful of objects. */
const MOST_LISTED = 500;

export interface LiveClusterOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  /** By `kindKey`; only watched kinds can be read from the cache or applied. */
  readonly stores: ReadonlyMap<string, Store>;
  readonly fieldManager: string;
  /** Annotation that carries the hash of what was applied. */
  readonly hashAnnotation: string;
  readonly namespaces: Pick<Cluster, 'watches' | 'refusedNamespaces'>;
}

/** What we applied last, and the version it became; while the watch shows that version, nothing has to be written. */
interface Applied {
  readonly hash: string;
  readonly resourceVersion: string | undefined;
}

/** Of the objects of one kind. */
interface Memory {
  readonly applied: PerObject<Applied>;
  /** What was looked for in vain. */
  readonly absentSince: PerObject<Millis>;
}

/** `Cluster` against a real API server and the stores of its watches. */
export function createLiveCluster({
  client,
  clock,
  stores,
  fieldManager,
  hashAnnotation,
  namespaces,
}: LiveClusterOptions): Cluster {
  const memories = new Map<string, Memory>();
  const query = { fieldManager, fieldValidation: 'Strict' };

  function storeOf<T extends KubernetesObject>(kind: Kind<T>): Store<T> {
    const store = stores.get(kindKey(kind));
    if (!store) throw new Error(`${kind.kind} is not watched; register it with the manager`);
    return store as unknown as Store<T>;
  }

  function memoryOf(kind: Kind): Memory {
    const store = storeOf(kind);
    const memory = memories.get(kindKey(kind)) ?? {
      applied: new PerObject<Applied>(store, { clock }),
      absentSince: new PerObject<Millis>(store, { clock }),
    };
    memories.set(kindKey(kind), memory);
    return memory;
  }

  function isApplied(kind: Kind, object: KubernetesObject, hash: string): boolean {
    const live = storeOf(kind).get(object.metadata);
    if (!live || live.metadata.deletionTimestamp !== undefined) return false;
    const last = memoryOf(kind).applied.get(object.metadata);
    if (last?.hash === hash && last.resourceVersion === live.metadata.resourceVersion) return true;
    return live.metadata.annotations?.[hashAnnotation] === hash && contains(live, object);
  }

  async function read<T extends KubernetesObject>(
    kind: Kind<T>,
    ref: ObjectRef,
    { signal }: CallOptions,
  ): Promise<T | undefined> {
    try {
      return await client.send<T>({ method: 'GET', path: objectPath(kind, ref), signal });
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  return {
    cached: (kind, ref) => storeOf(kind).get(ref),

    cachedList: <T extends KubernetesObject>(kind: Kind<T>, options?: ListOptions) => storeOf(kind).list(options),

    ...namespaces,

    async find<T extends KubernetesObject>(kind: Kind<T>, ref: ObjectRef, options: CallOptions) {
      const cached = storeOf(kind).get(ref);
      const { absentSince } = memoryOf(kind);
      if (cached) {
        absentSince.delete(ref);
        return cached;
      }
      const now = clock.monotonic();
      if (now - (absentSince.get(ref) ?? -Infinity) < ABSENCE_BELIEVED) return undefined;
      const found = await read(kind, ref, options);
      if (found) absentSince.delete(ref);
      else absentSince.set(ref, now);
      return found;
    },

    read,

    async list<T extends KubernetesObject>(
      kind: Kind<T>,
      { namespace, fields }: LiveListOptions,
      { signal }: CallOptions,
    ) {
      const path = collectionPath(kind, namespace);
      const fieldSelector = Object.entries(fields)
        .map(([field, value]) => `${field}=${value}`)
        .join(',');
      const query = { fieldSelector, limit: String(MOST_LISTED) };
      const { items } = await client.send<{ readonly items: readonly T[] }>({ method: 'GET', path, query, signal });
      // The items of a list leave out what the list says once.
      return items.map((item) => ({ ...item, apiVersion: kind.apiVersion, kind: kind.kind }));
    },

    async apply(kind, object, { signal }) {
      const hash = hashOf(object);
      if (isApplied(kind, object, hash)) return 'overtaken';
      const { metadata } = object;
      const annotations = { ...metadata.annotations, [hashAnnotation]: hash };
      const answer = await client.send<KubernetesObject>({
        method: 'PATCH',
        path: objectPath(kind, metadata),
        query: { ...query, force: 'true' },
        body: { ...object, metadata: { ...metadata, annotations } },
        contentType: 'application/apply-patch+yaml',
        signal,
      });
      const { resourceVersion } = answer.metadata;
      memoryOf(kind).applied.set(metadata, { hash, resourceVersion });
      return 'done';
    },

    async create(kind, object, { signal }) {
      memories.get(kindKey(kind))?.absentSince.delete(object.metadata);
      try {
        const path = collectionPath(kind, object.metadata.namespace);
        await client.send({ method: 'POST', path, query, body: object, signal });
        return 'done';
      } catch (error) {
        if (isApiError(error, 409) && error.reason === 'AlreadyExists') return 'overtaken';
        throw error;
      }
    },

    async replace(kind, object, { signal }) {
      await client.send({ method: 'PUT', path: objectPath(kind, object.metadata), query, body: object, signal });
    },

    async patch(kind, { target: { uid, ...ref }, patch }, { signal }) {
      // A uid in a patch is a precondition: for built-in kinds it is validated, for others compared.
      const { metadata, ...rest } = patch as { metadata?: object };
      const body = { ...rest, metadata: { ...metadata, uid } };
      const how = { query: { fieldManager }, contentType: 'application/merge-patch+json' } as const;
      return unlessGone(client.send({ method: 'PATCH', path: objectPath(kind, ref), ...how, body, signal }));
    },

    async delete(kind, { uid, propagation = 'Background', gracePeriodSeconds, ...ref }, { signal }) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: propagation,
        preconditions: { uid },
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      };
      memories.get(kindKey(kind))?.applied.delete(ref);
      return unlessGone(client.send({ method: 'DELETE', path: objectPath(kind, ref), body, signal }));
    },
  };
}

/** Gone, or another object of that name by now: what it was decided for is no more. */
async function unlessGone(request: Promise<unknown>): Promise<Performed> {
  try {
    await request;
    return 'done';
  } catch (error) {
    const isAnother = isApiError(error, 422) && error.message.includes('metadata.uid');
    if (!isApiError(error, 404) && !isApiError(error, 409) && !isAnother) throw error;
    return 'overtaken';
  }
}

/** Of the object as data, whatever the order of its keys. */
function hashOf(object: KubernetesObject): string {
  return createHash('sha256').update(canonical(object)).digest('hex').slice(0, 16);
}
