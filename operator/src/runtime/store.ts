import { Index, byLabel } from './store-index.ts';
import type { Indexers } from './store-index.ts';
import type { ListOptions } from './cluster.ts';
import { cacheable } from './cacheable.ts';
import type { KubernetesObject, ObjectRef } from './objects.ts';
import { keyOf } from './objects.ts';

export interface Change<T> {
  /** Absent when it is new. */
  readonly before?: T;
  /** Absent when it is gone. */
  readonly after?: T;
}

export interface StoreOptions<T> {
  /** Labels by which lists are asked for; other labels cost a look at each object of the namespace. */
  readonly labels?: readonly string[];
  /** Other ways to find objects, by name. */
  readonly indexers?: Indexers<T>;
}

/**
 * The objects of one kind as the watch last reported them. It never goes back in time: what our own write answered stays
 * until the watch has caught up with it. Only a list may contradict that, for etcd may have been restored.
 */
export class Store<T extends KubernetesObject = KubernetesObject> {
  /** Namespace → name → object; cluster-scoped objects are in the namespace ''. */
  private readonly namespaces: Map<string, Map<string, T>> = new Map();
  private readonly labelled: ReadonlyMap<string, Index<T>>;
  private readonly indexed: ReadonlyMap<string, Index<T>>;
  private readonly listeners: ((change: Change<T>) => void)[] = [];

  constructor({ labels = [], indexers = {} }: StoreOptions<T> = {}) {
    this.labelled = new Map(labels.map((label) => [label, new Index<T>(byLabel(label))]));
    this.indexed = new Map(Object.entries(indexers).map(([name, indexer]) => [name, new Index<T>(indexer)]));
  }

  get({ namespace = '', name }: ObjectRef): T | undefined {
    return this.namespaces.get(namespace)?.get(name);
  }

  get size(): number {
    return [...this.namespaces.values()].reduce((sum, { size }) => sum + size, 0);
  }

  list(options: ListOptions = {}): readonly T[] {
    const { namespace, labels = {}, index } = options;
    const wanted = Object.entries(labels);
    return this.candidates(options).filter(
      (object) =>
        (namespace === undefined || (object.metadata.namespace ?? '') === namespace) &&
        wanted.every(([name, value]) => object.metadata.labels?.[name] === value) &&
        (!index || this.index(index.name).has(index.value, object)),
    );
  }

  /** Called after every change from now on. */
  onChange(listener: (change: Change<T>) => void): void {
    this.listeners.push(listener);
  }

  /** What a watch reported. */
  set(object: T): void {
    const before = this.get(object.metadata);
    if (!before || !isNewer(before, object)) this.put(object);
  }

  /** What our own write answered, unless the watch has already reported a newer version, or the deletion. */
  setIfNewer(object: T): void {
    const before = this.get(object.metadata);
    if (before && isNewer(object, before)) this.put(object);
  }

  /** What a watch reported as deleted, as it was then; another object of that name may be there since. */
  remove(object: T): void {
    const before = this.get(object.metadata);
    if (before && !isNewer(before, object)) this.drop(before);
  }

  /** Everything there is, of one namespace or of all; what is not among it is gone, also when no watch reported that. */
  replace(objects: readonly T[], namespace?: string): void {
    const present = new Set(objects.map(({ metadata }) => keyOf(metadata)));
    for (const object of this.of(namespace)) if (!present.has(keyOf(object.metadata))) this.drop(object);
    for (const object of objects) this.put(object);
  }

  /** At least what is asked for: the smallest of what namespace and indexes narrow it down to. */
  private candidates({ namespace, labels = {}, index }: ListOptions): readonly T[] {
    const found: ReadonlyMap<string, T>[] = [];
    if (namespace !== undefined) found.push(this.namespaces.get(namespace) ?? new Map());
    if (index) found.push(this.index(index.name).of(index.value));
    for (const [name, value] of Object.entries(labels)) {
      const labelled = this.labelled.get(name);
      if (labelled) found.push(labelled.of(value));
    }
    const [first, ...rest] = found;
    if (!first) return this.of(undefined);
    return [...rest.reduce((smallest, next) => (next.size < smallest.size ? next : smallest), first).values()];
  }

  private index(name: string): Index<T> {
    const index = this.indexed.get(name);
    if (!index) throw new Error(`there is no index ${name}; name it where the kind is watched`);
    return index;
  }

  private of(namespace: string | undefined): readonly T[] {
    const chosen = namespace === undefined ? [...this.namespaces.values()] : [this.namespaces.get(namespace)];
    return chosen.flatMap((objects) => (objects ? [...objects.values()] : []));
  }

  private put(object: T): void {
    const { namespace = '', name, resourceVersion } = object.metadata;
    const objects = this.namespaces.get(namespace) ?? new Map<string, T>();
    const before = objects.get(name);
    if (before && before.metadata.resourceVersion === resourceVersion) return;
    const after = cacheable(object);
    this.namespaces.set(namespace, objects.set(name, after));
    this.notify({ ...(before && { before }), after });
  }

  private drop(object: T): void {
    const { namespace = '', name } = object.metadata;
    const objects = this.namespaces.get(namespace);
    objects?.delete(name);
    if (objects?.size === 0) this.namespaces.delete(namespace);
    this.notify({ before: object });
  }

  private notify(change: Change<T>): void {
    for (const index of [...this.labelled.values(), ...this.indexed.values()]) index.follow(change);
    for (const listener of this.listeners) listener(change);
  }
}

/** Resource versions of one kind are ordered (KEP-5504); what does not read as a number is never called newer. */
function isNewer(object: KubernetesObject, than: KubernetesObject): boolean {
  const [a, b] = [object.metadata.resourceVersion ?? '', than.metadata.resourceVersion ?? ''];
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false;
  return BigInt(a) > BigInt(b);
}
