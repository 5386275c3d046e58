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

/** From 0 to 1, for what need not be a secret: so that what begins together does not go on together. */
export function systemRandom(): number {
  return Math.random();
}

/** Runs `callback` once `monotonic()` has reached the deadline, however early a timer wakes; the returned function cancels it. */
export function atDeadline(clock: Clock, deadline: Millis, callback: () => void): () => void {
  let cancel = (): void => undefined;
  function wait(): void {
    const left = deadline - clock.monotonic();
    if (left <= 0) callback();
    else cancel = clock.after(left, wait);
  }
  wait();
  return () => {
    cancel();
  };
}

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
