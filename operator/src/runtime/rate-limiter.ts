import type { Clock } from './clock.ts';
import type { Millis } from './objects.ts';

/** Per-item exponential delay; client-go's ItemExponentialFailureRateLimiter with its default numbers. */
export interface BackoffOptions {
  /** Before the first retry. */
  readonly base: Millis;
  /** The longest delay between two retries. */
  readonly cap: Millis;
}

/** So many retries at once, and then so many a second, over all keys together. */
export interface BucketOptions {
  readonly perSecond: number;
  readonly burst: number;
}

export interface RateLimiterOptions {
  readonly clock: Clock;
  readonly backoff?: BackoffOptions;
  readonly bucket?: BucketOptions;
}

const CLIENT_GO_BACKOFF: BackoffOptions = { base: 5, cap: 1_000_000 };
const CLIENT_GO_BUCKET: BucketOptions = { perSecond: 10, burst: 100 };

/** client-go's DefaultTypedControllerRateLimiter: the longer of the key's own back-off and the wait for everybody. */
export class RateLimiter {
  private readonly clock: Clock;
  private readonly backoff: BackoffOptions;
  private readonly bucket: BucketOptions;
  private readonly failures: Map<string, number> = new Map();
  /** Tokens left; below zero those that are promised already. */
  private tokens: number;
  private filledAt: Millis;

  constructor({ clock, backoff = CLIENT_GO_BACKOFF, bucket = CLIENT_GO_BUCKET }: RateLimiterOptions) {
    this.clock = clock;
    this.backoff = backoff;
    this.bucket = bucket;
    this.tokens = bucket.burst;
    this.filledAt = clock.monotonic();
  }

  /** How long this retry has to wait; counts it. */
  when(key: string): Millis {
    const failures = this.retries(key);
    this.failures.set(key, failures + 1);
    const own = Math.min(this.backoff.base * 2 ** failures, this.backoff.cap);
    return Math.max(own, this.reserve());
  }

  /** How many times in a row the key was limited. */
  retries(key: string): number {
    return this.failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.failures.delete(key);
  }

  /** Takes a token, from the future where none is left, and returns how far that is away. */
  private reserve(): Millis {
    const { perSecond, burst } = this.bucket;
    const now = this.clock.monotonic();
    this.tokens = Math.min(burst, this.tokens + ((now - this.filledAt) / 1000) * perSecond);
    this.filledAt = now;
    this.tokens -= 1;
    return Math.max(0, (-this.tokens / perSecond) * 1000);
  }
}
