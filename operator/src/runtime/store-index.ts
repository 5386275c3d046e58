import type { KubernetesObject } from './objects.ts';
import { keyOf } from './objects.ts';

/** The values under which an object is to be found. Must be pure: cached objects never change. */
export type Indexer<T> = (object: T) => readonly string[];
export type Indexers<T> = Readonly<Record<string, Indexer<T>>>;

/** Which objects have a value, without a look at those that have not. */
export class Index<T extends KubernetesObject> {
  private readonly indexer: Indexer<T>;
  /** Value → key → object. */
  private readonly objects: Map<string, Map<string, T>> = new Map();

  constructor(indexer: Indexer<T>) {
    this.indexer = indexer;
  }

  /** By key. */
  of(value: string): ReadonlyMap<string, T> {
    return this.objects.get(value) ?? new Map<string, T>();
  }

  has(value: string, { metadata }: T): boolean {
    return this.of(value).has(keyOf(metadata));
  }

  follow({ before, after }: { readonly before?: T; readonly after?: T }): void {
    const kept = new Set(after ? this.valuesOf(after) : []);
    for (const value of before ? this.valuesOf(before) : []) {
      if (!kept.has(value)) this.forget(value, before);
    }
    for (const value of kept) this.remember(value, after);
  }

  /** An object of an older schema, for example, is found under nothing; it must not keep the others from being known. */
  private valuesOf(object: T): readonly string[] {
    try {
      return this.indexer(object);
    } catch {
      return [];
    }
  }

  private remember(value: string, object: T | undefined): void {
    if (!object) return;
    const objects = this.objects.get(value) ?? new Map<string, T>();
    this.objects.set(value, objects.set(keyOf(object.metadata), object));
  }

  private forget(value: string, object: T | undefined): void {
    if (!object) return;
    const objects = this.objects.get(value);
    objects?.delete(keyOf(object.metadata));
    if (objects?.size === 0) this.objects.delete(value);
  }
}

export function byLabel(name: string): Indexer<KubernetesObject> {
  return ({ metadata }) => {
    const value = metadata.labels?.[name];
    return value === undefined ? [] : [value];
  };
}

/** By the uid of the controlling owner. */
export const byOwner: Indexer<KubernetesObject> = ({ metadata: { ownerReferences = [] } }) =>
  ownerReferences.flatMap(({ uid, controller }) => (controller === true ? [uid] : []));
