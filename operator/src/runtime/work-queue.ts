import type { Clock } from './clock.ts';

/** Per-item exponential delay; client-go's ItemExponentialFailureRateLimiter with its default numbers. */
export interface BackoffOptions {
  /** Milliseconds before the first retry. */
  readonly base: number;
  /** The longest delay between two retries, in milliseconds. */
  readonly cap: number;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly backoff?: BackoffOptions;
}

const CLIENT_GO_BACKOFF: BackoffOptions = { base: 5, cap: 1_000_000 };

/**
 * A work queue with client-go's semantics (k8s.io/client-go/util/workqueue):
 * a key waits at most once, never runs twice at the same time, and a key added while it runs
 * is queued again when it is done. Keys are strings ("namespace/name").
 */
export class WorkQueue {
  private readonly clock: Clock;
  private readonly backoff: BackoffOptions;
  private readonly order: string[] = [];
  private readonly dirty: Set<string> = new Set();
  private readonly processing: Set<string> = new Set();
  private readonly failures: Map<string, number> = new Map();
  private readonly delayed: Map<string, { readonly due: number; readonly cancel: () => void }> = new Map();
  private readonly waiters: ((key: string | undefined) => void)[] = [];
  private readonly idle: (() => void)[] = [];
  private closed = false;

  constructor({ clock, backoff = CLIENT_GO_BACKOFF }: WorkQueueOptions) {
    this.clock = clock;
    this.backoff = backoff;
  }

  /** Keys waiting to be taken; neither those running nor those delayed. */
  get depth(): number {
    return this.order.length;
  }

  add(key: string): void {
    if (this.closed || this.dirty.has(key)) return;
    this.dirty.add(key);
    if (this.processing.has(key)) return;
    this.offer(key);
  }

  /** Adds the key after `delay` milliseconds; of several delays for one key the earliest counts. */
  addAfter(key: string, delay: number): void {
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
  addRateLimited(key: string): number {
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    const delay = Math.min(this.backoff.base * 2 ** failures, this.backoff.cap);
    this.addAfter(key, delay);
    return delay;
  }

  /** How many times in a row the key was rate limited. */
  retries(key: string): number {
    return this.failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.failures.delete(key);
  }

  /** The next key, in order of arrival; undefined once the queue is shut down and empty. */
  take(): Promise<string | undefined> {
    const key = this.order.shift();
    if (key !== undefined) return Promise.resolve(this.begin(key));
    if (this.closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  /** Must be called once for every key taken. */
  done(key: string): void {
    if (!this.processing.delete(key)) return;
    if (this.dirty.has(key)) this.offer(key);
    if (this.processing.size === 0 && this.order.length === 0) {
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
    if (this.order.length === 0) {
      this.waiters.splice(0).forEach((resolve) => {
        resolve(undefined);
      });
    }
    if (this.processing.size === 0 && this.order.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  private offer(key: string): void {
    const waiter = this.waiters.shift();
    if (waiter) {
      waiter(this.begin(key));
      return;
    }
    this.order.push(key);
  }

  private begin(key: string): string {
    this.dirty.delete(key);
    this.processing.add(key);
    return key;
  }
}
