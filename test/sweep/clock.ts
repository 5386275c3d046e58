import { systemClock } from '../../operator/src/runtime/clock.ts';
import type { Clock } from '../../operator/src/runtime/clock.ts';
import type { Millis } from '../../operator/src/runtime/objects.ts';

/** So many of the operator's seconds pass in one of ours: a run consists mostly of pauses and rechecks. */
const SPEED_UP = 10;

/**
 * Certificates of the operator live a day, and the agents judge them by the machine's clock, so the operator's begins
 * in the past and has this long to jump until it reaches the present.
 */
const BEHIND: Millis = 16 * 3_600_000;

/** The operator's clock: its timers run faster, and its time of day runs as ours does, except for jumps. */
export class JumpingClock implements Clock {
  private offset: Millis = -BEHIND;

  now(): Millis {
    return Date.now() + this.offset;
  }

  monotonic(): Millis {
    return performance.now() * SPEED_UP;
  }

  after(delay: Millis, callback: () => void): () => void {
    return systemClock.after(delay / SPEED_UP, callback);
  }

  random(): number {
    return systemClock.random();
  }

  /** What falls due by it is seen at the next recheck: a second of ours at the latest. */
  jump(by: Millis): void {
    if (this.offset + by > 0) throw new RangeError('the clock would pass the present, where certificates end');
    this.offset += by;
  }

  /** For a stack that did not exist before. */
  begin(): void {
    this.offset = -BEHIND;
  }
}
