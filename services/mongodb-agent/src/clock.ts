import { setTimeout as wait } from 'node:timers/promises';

export interface Clock {
  now(): number;
  /** Rejects with the signal's reason when that comes first. */
  sleep(millis: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (millis, signal) => wait(millis, undefined, signal && { signal }),
};
