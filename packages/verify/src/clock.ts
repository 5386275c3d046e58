/** Milliseconds since the Unix epoch, or a span of them. */
export type Millis = number;

/** Time as an argument: the one place of this package that touches the machine's clock and timers. */
export interface Clock {
  now(): Millis;
  /** Runs `callback` once after `delay`; the returned function cancels it. */
  after(delay: Millis, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    // A verifier alone never keeps a process alive.
    const timer = setTimeout(callback, delay).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** From 0 to 1, for what need not be a secret: so that what is lost together does not come back together. */
export function systemRandom(): number {
  return Math.random();
}
