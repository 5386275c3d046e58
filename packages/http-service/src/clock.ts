/** Milliseconds since the Unix epoch, or a span of them. */
export type Millis = number;

/** Time as an argument: the one place of the services that touches the machine's clocks and timers. */
export interface Clock {
  /** Wall clock. */
  now(): Millis;
  /** Only differences mean anything. */
  monotonic(): Millis;
  /** Runs `callback` once after `delay`; the returned function cancels it. */
  after(delay: Millis, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Resolves after `delay`, or as soon as the signal aborts: the caller looks at the signal. */
export function pause(clock: Clock, delay: Millis, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delay, done);
    signal?.addEventListener('abort', done);
  });
}
