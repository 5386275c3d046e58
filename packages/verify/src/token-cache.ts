import type { Millis } from './clock.ts';

interface Entry<T> {
  readonly value: T;
  readonly until: Millis;
}

/** Verified tokens until they expire. When full, the oldest entry is removed. */
export class TokenCache<T> {
  private readonly entries = new Map<string, Entry<T>>();
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.entries.size;
  }

  get(token: string, now: Millis): T | undefined {
    const entry = this.entries.get(token);
    if (!entry) return undefined;
    if (now < entry.until) return entry.value;
    this.entries.delete(token);
    return undefined;
  }

  set(token: string, entry: Entry<T>): void {
    if (this.capacity === 0) return;
    const [oldest] = this.entries.size >= this.capacity ? this.entries.keys() : [];
    if (oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(token, entry);
  }
}
