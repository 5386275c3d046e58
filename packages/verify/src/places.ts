/** All places are taken, and so are the places to wait. */
export class NoPlace extends Error {
  override readonly name: string = 'NoPlace';
}

export interface PlacesOptions {
  /** How much runs at once. */
  readonly places: number;
  /** How much more waits its turn; whatever comes then is turned away. */
  readonly waiting: number;
}

/** A bound on how much runs at once; who waits is served in the order of arrival. */
export class Places {
  private readonly options: PlacesOptions;
  private readonly queue = new Set<() => void>();
  private taken = 0;

  constructor(options: PlacesOptions) {
    this.options = options;
  }

  /** Throws NoPlace, or the reason of `signal` if that aborts while it waits. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.turn(signal);
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private turn(signal: AbortSignal): Promise<void> | undefined {
    const { places, waiting } = this.options;
    if (this.taken < places) {
      this.taken += 1;
      return undefined;
    }
    if (this.queue.size >= waiting) throw new NoPlace(`${places} run and ${waiting} wait already`);
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.queue.delete(enter);
        reject(signal.reason as Error);
      };
      const enter = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      this.queue.add(enter);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  /** The place is handed on, or free. */
  private leave(): void {
    const [next] = this.queue;
    if (next) {
      this.queue.delete(next);
      next();
    } else {
      this.taken -= 1;
    }
  }
}
