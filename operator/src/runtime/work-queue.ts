import type { Clock } from './clock.ts';
import type { Millis } from './objects.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { BackoffOptions, BucketOptions } from './rate-limiter.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly backoff?: BackoffOptions;
  readonly bucket?: BucketOptions;
  /** A key that was added so long ago is taken now. */
  readonly onTaken?: (waited: Millis) => void;
  /** A key that was taken so long ago is done. */
  readonly onDone?: (worked: Millis) => void;
}

/** Each is handed out only while nothing waits that comes before it in this list. */
export const urgencies = ['normal', 'background', 'last'] as const;
export type Urgency = (typeof urgencies)[number];

interface Held {
  readonly since: Millis;
  readonly urgency: Urgency;
}

/**
 * A work queue with client-go's semantics (k8s.io/client-go/util/workqueue):
 * a key waits at most once, never runs twice at the same time, and a key added while it runs
 * is queued again when it is done. Keys are strings ("namespace/name"). As in controller-runtime's priority queue, what
 * a start finds waits in the background, so that a change is not stuck behind a thousand objects that did not. Of several
 * urgencies for one key the most urgent counts.
 */
export class WorkQueue {
  private readonly options: WorkQueueOptions;
  private readonly clock: Clock;
  private readonly limiter: RateLimiter;
  /** Those that wait, in order of arrival; a key is in one of them. */
  private readonly waiting: Readonly<Record<Urgency, Set<string>>> = {
    normal: new Set(),
    background: new Set(),
    last: new Set(),
  };
  /** To be run (again), by when they were added. */
  private readonly dirty: Map<string, Held> = new Map();
  /** Running, by when they were taken. */
  private readonly processing: Map<string, Held> = new Map();
  private readonly delayed: Map<string, { readonly due: Millis; readonly cancel: () => void }> = new Map();
  private readonly waiters: ((key: string | undefined) => void)[] = [];
  private readonly idle: (() => void)[] = [];
  private closed = false;

  constructor(options: WorkQueueOptions) {
    this.options = options;
    this.clock = options.clock;
    this.limiter = new RateLimiter(options);
  }

  /** Keys waiting to be taken; neither those running nor those delayed. */
  get depth(): number {
    return urgencies.reduce((sum, urgency) => sum + this.waiting[urgency].size, 0);
  }

  /** How long each key that is taken and not done has been worked on. */
  get unfinished(): readonly Millis[] {
    return [...this.processing.values()].map(({ since }) => this.clock.monotonic() - since);
  }

  /** As what a key that is running had waited. */
  takenAs(key: string): Urgency | undefined {
    return this.processing.get(key)?.urgency;
  }

  add(key: string, urgency: Urgency = 'normal'): void {
    if (this.closed) return;
    const before = this.dirty.get(key);
    if (before && urgencies.indexOf(before.urgency) <= urgencies.indexOf(urgency)) return;
    this.dirty.set(key, { since: before?.since ?? this.clock.monotonic(), urgency });
    if (this.processing.has(key)) return;
    if (before) this.waiting[before.urgency].delete(key);
    this.offer(key, urgency);
  }

  /** Adds the key after `delay` milliseconds; of several delays for one key the earliest counts. */
  addAfter(key: string, delay: Millis): void {
    if (this.closed) return;
    if (delay <= 0) {
      this.add(key);
      return;
    }
    const due = this.clock.monotonic() + delay;
    const pending = this.delayed.get(key);
    if (pending && pending.due <= due) return;
    pending?.cancel();
    const cancel = this.clock.after(delay, () => {
      this.delayed.delete(key);
      this.add(key);
    });
    this.delayed.set(key, { due, cancel });
  }

  /** Adds the key after its back-off, and returns that delay in milliseconds. */
  addRateLimited(key: string): Millis {
    const delay = this.limiter.when(key);
    this.addAfter(key, delay);
    return delay;
  }

  /** How many times in a row the key was rate limited. */
  retries(key: string): number {
    return this.limiter.retries(key);
  }

  forget(key: string): void {
    this.limiter.forget(key);
  }

  /** Neither its retries nor a look that was due later are left. */
  drop(key: string): void {
    this.limiter.forget(key);
    this.delayed.get(key)?.cancel();
    this.delayed.delete(key);
  }

  /** The next key, by urgency and in order of arrival; undefined once the queue is shut down and empty. */
  take(): Promise<string | undefined> {
    for (const urgency of urgencies) {
      for (const key of this.waiting[urgency]) {
        this.waiting[urgency].delete(key);
        return Promise.resolve(this.begin(key, urgency));
      }
    }
    if (this.closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  /** Must be called once for every key taken. */
  done(key: string): void {
    const run = this.processing.get(key);
    if (!run) return;
    this.processing.delete(key);
    this.options.onDone?.(this.clock.monotonic() - run.since);
    const again = this.dirty.get(key);
    if (again) this.offer(key, again.urgency);
    if (this.isDrained()) {
      this.idle.splice(0).forEach((resolve) => {
        resolve();
      });
    }
  }

  /** Takes no more keys; what waits is still handed out; resolves when everything taken is done. */
  shutDownWithDrain(): Promise<void> {
    this.closed = true;
    this.delayed.forEach(({ cancel }) => {
      cancel();
    });
    this.delayed.clear();
    if (this.depth === 0) {
      this.waiters.splice(0).forEach((resolve) => {
        resolve(undefined);
      });
    }
    if (this.isDrained()) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  private isDrained(): boolean {
    return this.processing.size === 0 && this.depth === 0;
  }

  private offer(key: string, urgency: Urgency): void {
    const waiter = this.waiters.shift();
    if (waiter) {
      waiter(this.begin(key, urgency));
      return;
    }
    this.waiting[urgency].add(key);
  }

  private begin(key: string, urgency: Urgency): string {
    const now = this.clock.monotonic();
    this.options.onTaken?.(now - (this.dirty.get(key)?.since ?? now));
    this.dirty.delete(key);
    this.processing.set(key, { since: now, urgency });
    return key;
  }
}
