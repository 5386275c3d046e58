/** Time as an argument: the one place of this package that touches the machine's clocks and timers. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. Never used to judge leases or deadlines. */
  now(): number;
  /** Monotonic clock in milliseconds; only differences mean anything. */
  monotonic(): number;
  /** Runs `callback` once after `delay` milliseconds; the returned function cancels it. */
  after(delay: number, callback: () => void): () => void;
  /** A number in [0, 1), for jitter. */
  random(): number;
}

// setTimeout overflows to "at once" beyond a signed 32 bit count of milliseconds.
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delay), LONGEST_TIMER));
    return () => {
      clearTimeout(timer);
    };
  },
  random: () => Math.random(),
};

/** Resolves after `delay` milliseconds, or rejects with the signal's reason as soon as it aborts. */
export function wait(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const cancel = clock.after(delay, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    const aborted = (): void => {
      resolve();
    };
    signal.addEventListener('abort', aborted, { once: true });
  });
}
