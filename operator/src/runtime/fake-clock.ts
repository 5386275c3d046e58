import type { Clock } from './clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is advanced. Timers fire in the order of their deadlines. */
export class FakeClock implements Clock {
  private time: number;
  private order = 0;
  private timers: Timer[] = [];
  private readonly randomness: () => number;

  constructor(start: number = 1_700_000_000_000, randomness: () => number = () => 0.5) {
    this.time = start;
    this.randomness = randomness;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  random(): number {
    return this.randomness();
  }

  after(delay: number, callback: () => void): () => void {
    const timer: Timer = { at: this.time + Math.max(0, delay), order: this.order++, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Milliseconds until the next timer is due, or undefined when none is set. */
  nextTimerIn(): number | undefined {
    const next = this.next();
    return next && next.at - this.time;
  }

  /** Moves time forward, firing what falls due on the way, and lets promise callbacks run in between. */
  async advance(by: number): Promise<void> {
    const end = this.time + by;
    await settle();
    for (let timer = this.next(); timer && timer.at <= end; timer = this.next()) {
      this.time = Math.max(this.time, timer.at);
      this.timers = this.timers.filter((other) => other !== timer);
      timer.callback();
      await settle();
    }
    this.time = end;
    await settle();
  }

  /** Time passes, but no timer has its turn: the event loop is busy, or the machine sleeps. */
  freeze(by: number): void {
    this.time += by;
  }

  private next(): Timer | undefined {
    return [...this.timers].sort((a, b) => a.at - b.at || a.order - b.order)[0];
  }
}

/** Lets every promise callback run that can, however long their chain: the event loop turns only when none is left. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
