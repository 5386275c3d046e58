import type { Clock, Millis } from './clock.ts';

/** Somebody waits for a time, or until something happens. What has happened while nobody waited is not missed. */
export class Alarm {
  private readonly clock: Clock;
  private rung = false;
  private wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** What has happened so far is seen to. */
  reset(): void {
    this.rung = false;
  }

  async wait(delay: Millis): Promise<void> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        const cancel = this.clock.after(delay, resolve);
        this.wake = () => {
          cancel();
          resolve();
        };
      });
    }
    this.wake = undefined;
    this.rung = false;
  }
}
