/** Milliseconds since the Unix epoch, or a span of them. */
export type Millis = number;

/** Time as an argument: the one place of this service that touches the machine's clock and timers. */
export interface Clock {
  now(): Millis;
  /** Runs `callback` once after `delay`; the returned function cancels it. */
  after(delay: Millis, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => {
      clearTimeout(timer);
    };
  },
};
