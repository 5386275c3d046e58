import type { Clock, Millis } from './clock.ts';

export interface ShortMemoryOptions {
  readonly clock: Clock;
  readonly lifetime: Millis;
  /** When it is full, the oldest entry goes. */
  readonly capacity: number;
}

interface Entry<T> {
  readonly value: T;
  readonly until: Millis;
}

/** Remembers each entry for the same time, so entries end in the order in which they came. */
export class ShortMemory<T> {
  private readonly entries = new Map<string, Entry<T>>();
  private readonly options: ShortMemoryOptions;

  constructor(options: ShortMemoryOptions) {
    this.options = options;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key);
    return entry && this.options.clock.now() < entry.until ? entry.value : undefined;
  }

  /** How long an entry is still remembered. */
  remaining(key: string): Millis {
    return Math.max(0, (this.entries.get(key)?.until ?? 0) - this.options.clock.now());
  }

  set(key: string, value: T): void {
    const { clock, lifetime, capacity } = this.options;
    const now = clock.now();
    this.entries.delete(key);
    this.entries.set(key, { value, until: now + lifetime });
    for (const [oldest, { until }] of this.entries) {
      if (now < until && this.entries.size <= capacity) break;
      this.entries.delete(oldest);
    }
  }
}
