import { setImmediate } from 'node:timers/promises';
import type { Clock, Millis } from '@authstack/http-service/clock';

/** Stands still but for what a test lets pass; whatever awaits a timer goes on before the next timer wakes. */
export class TestClock implements Clock {
  private time: Millis = 0;
  private readonly timers = new Map<object, { readonly at: Millis; readonly callback: () => void }>();

  now(): Millis {
    return this.time;
  }

  monotonic(): Millis {
    return this.time;
  }

  after(delay: Millis, callback: () => void): () => void {
    const key = {};
    this.timers.set(key, { at: this.time + delay, callback });
    return () => this.timers.delete(key);
  }

  get isIdle(): boolean {
    return this.timers.size === 0;
  }

  async passes(span: Millis): Promise<void> {
    const end = this.time + span;
    for (;;) {
      await setImmediate();
      const [next] = [...this.timers].filter(([, { at }]) => at <= end).sort(([, one], [, two]) => one.at - two.at);
      if (!next) break;
      this.timers.delete(next[0]);
      this.time = next[1].at;
      next[1].callback();
    }
    this.time = end;
  }
}
