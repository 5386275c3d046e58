import type { ListOptions } from './cluster.ts';
import type { KubernetesObject, ObjectRef } from './objects.ts';
import { keyOf } from './objects.ts';

export interface Change<T> {
  /** Absent when it is new. */
  readonly before?: T;
  /** Absent when it is gone. */
  readonly after?: T;
}

/** The objects of one kind as the watch last told of them. */
export class Store<T extends KubernetesObject = KubernetesObject> {
  private readonly objects: Map<string, T> = new Map();
  private readonly listeners: ((change: Change<T>) => void)[] = [];

  get(ref: ObjectRef): T | undefined {
    return this.objects.get(keyOf(ref));
  }

  get size(): number {
    return this.objects.size;
  }

  list({ namespace, labels = {} }: ListOptions = {}): readonly T[] {
    const wanted = Object.entries(labels);
    return [...this.objects.values()].filter(
      ({ metadata }) =>
        (namespace === undefined || metadata.namespace === namespace) &&
        wanted.every(([name, value]) => metadata.labels?.[name] === value),
    );
  }

  /** Told of every change from now on, after it happened. */
  onChange(listener: (change: Change<T>) => void): void {
    this.listeners.push(listener);
  }

  set(object: T): void {
    const key = keyOf(object.metadata);
    const before = this.objects.get(key);
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion && before !== undefined) return;
    this.objects.set(key, object);
    this.tell({ ...(before && { before }), after: object });
  }

  /** Keeps what our own write answered, unless the watch has already told of something newer. */
  setIfNewer(object: T): void {
    const before = this.get(object.metadata);
    if (before && isNewer(object, before)) this.set(object);
  }

  remove(ref: ObjectRef): void {
    const before = this.get(ref);
    if (!before) return;
    this.objects.delete(keyOf(ref));
    this.tell({ before });
  }

  /** Everything there is, of one namespace or of all; what is not among it is gone, also when no watch told so. */
  replace(objects: readonly T[], namespace?: string): void {
    const present = new Set(objects.map(({ metadata }) => keyOf(metadata)));
    for (const { metadata } of this.list(namespace === undefined ? {} : { namespace })) {
      if (!present.has(keyOf(metadata))) this.remove(metadata);
    }
    for (const object of objects) this.set(object);
  }

  private tell(change: Change<T>): void {
    for (const listener of this.listeners) listener(change);
  }
}

/** Resource versions of one kind are ordered (KEP-5504); what does not read as a number is never called newer. */
function isNewer(object: KubernetesObject, than: KubernetesObject): boolean {
  const [a, b] = [object.metadata.resourceVersion ?? '', than.metadata.resourceVersion ?? ''];
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false;
  return BigInt(a) > BigInt(b);
}
