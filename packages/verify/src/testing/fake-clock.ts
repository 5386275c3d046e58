import type { Clock, Millis } from '../clock.ts';

interface Timer {
  readonly at: Millis;
  readonly callback: () => void;
}

/** Stands still until it is advanced. */
export class FakeClock implements Clock {
  private time: Millis = 1_800_000_000_000;
  private timers: Timer[] = [];

  now(): Millis {
    return this.time;
  }

  after(delay: Millis, callback: () => void): () => void {
    const timer = { at: this.time + delay, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  advance(by: Millis): void {
    const end = this.time + by;
    for (let timer = this.nextBefore(end); timer; timer = this.nextBefore(end)) {
      this.time = timer.at;
      this.timers = this.timers.filter((other) => other !== timer);
      timer.callback();
    }
    this.time = end;
  }

  private nextBefore(end: Millis): Timer | undefined {
    return this.timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
  }
}
