import type { Clock } from './clock.ts';
import { keyOf } from './objects.ts';
import type { KubernetesObject, Millis, ObjectRef } from './objects.ts';
import type { Change } from './store.ts';

/** How long an entry waits for the watch to report its object. */
const UNKNOWN_FOR: Millis = 60_000;

/** What a `PerObject` needs of a store. */
export interface ObjectSource {
  get(ref: ObjectRef): KubernetesObject | undefined;
  onChange(listener: (change: Change<KubernetesObject>) => void): void;
}

export interface PerObjectOptions<V> {
  readonly clock: Clock;
  /** Called with each value that was dropped or replaced, to close a connection, for example. */
  readonly onDropped?: (value: V) => void;
}

/**
 * What the process remembers about the objects of one kind. An entry lives as long as its object, so that what is deleted
 * leaves nothing in memory:
 *
 *     set ──► object known ───── the watch: it is gone, or another has its name ──► dropped
 *      │           ▲
 *      │           │ the watch: it is there
 *      └──► object unknown ───── a minute later, with the next change or entry ───► dropped
 */
export class PerObject<V> {
  private readonly source: ObjectSource;
  private readonly options: PerObjectOptions<V>;
  private readonly entries: Map<string, V> = new Map();
  /** Entries whose object is unknown, by when they were set, the oldest first. */
  private readonly unknown: Map<string, Millis> = new Map();

  constructor(source: ObjectSource, options: PerObjectOptions<V>) {
    this.source = source;
    this.options = options;
    source.onChange((change) => {
      this.follow(change);
    });
  }

  get size(): number {
    return this.entries.size;
  }

  get(ref: ObjectRef): V | undefined {
    return this.entries.get(keyOf(ref));
  }

  set(ref: ObjectRef, value: V): void {
    const key = keyOf(ref);
    const before = this.entries.get(key);
    this.entries.set(key, value);
    if (before !== undefined && before !== value) this.options.onDropped?.(before);
    this.unknown.delete(key);
    if (!this.source.get(ref)) this.unknown.set(key, this.options.clock.monotonic());
    this.dropUnknown();
  }

  delete(ref: ObjectRef): void {
    this.drop(keyOf(ref));
  }

  private follow({ before, after }: Change<KubernetesObject>): void {
    const object = after ?? before;
    if (!object) return;
    const key = keyOf(object.metadata);
    if (after && (!before || before.metadata.uid === after.metadata.uid)) this.unknown.delete(key);
    else this.drop(key);
    this.dropUnknown();
  }

  private dropUnknown(): void {
    const now = this.options.clock.monotonic();
    for (const [key, since] of this.unknown) {
      if (now - since < UNKNOWN_FOR) return;
      this.drop(key);
    }
  }

  private drop(key: string): void {
    const value = this.entries.get(key);
    this.entries.delete(key);
    this.unknown.delete(key);
    if (value !== undefined) this.options.onDropped?.(value);
  }
}
