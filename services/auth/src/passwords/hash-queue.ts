import { AuthError } from '../errors.ts';

export class Overloaded extends AuthError {
  override readonly code = 'OVERLOADED';

  constructor() {
    super('too many password hashes are waiting', { retryAfterSeconds: 1 });
  }
}

export interface HashQueueLimits {
  /** Hashes that run at once: one per core, more only makes each slower. */
  readonly concurrency: number;
  /** Beyond this many waiting, the next is refused at once. */
  readonly waiting: number;
}

/** Bounds the memory and the cores that hashing takes, and so how long anybody waits for it. */
export class HashQueue {
  private readonly limits: HashQueueLimits;
  private readonly queue: (() => void)[] = [];
  private active = 0;

  constructor(limits: HashQueueLimits) {
    this.limits = limits;
  }

  get running(): number {
    return this.active;
  }

  get waiting(): number {
    return this.queue.length;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.active < this.limits.concurrency) {
      this.active += 1;
      return;
    }
    if (this.queue.length >= this.limits.waiting) throw new Overloaded();
    await new Promise<void>((resolve) => this.queue.push(resolve));
  }

  /** The place goes to the next in line, or becomes free. */
  private leave(): void {
    const next = this.queue.shift();
    if (next) next();
    else this.active -= 1;
  }
}
