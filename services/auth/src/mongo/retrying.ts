import { atDeadline, pause } from '@authstack/http-service/clock';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { isPassing, NotConnected } from './database-unavailable.ts';

/** Long enough to be no burden to a database that comes back, short beside an election. */
const AGAIN_AFTER: Millis = 50;

export interface Budget {
  readonly clock: Clock;
  /** For all attempts and the pauses between them; where it is 0 already, nothing is tried. */
  readonly limit: Millis;
  /** Aborts when there is nothing left to work on. */
  readonly closed: AbortSignal;
}

/**
 * Does the work again while it fails by what passes by itself, until the budget is spent; then fails with the last of these
 * errors, or NotConnected where no attempt ended. Whatever else it fails by is thrown at once. The driver tries once more by
 * itself, which is not enough for an election: its second attempt can meet a server that is not primary yet.
 *
 * @param work does the same however often it is done. An attempt that is under way when the budget is spent goes on, with
 * nobody to tell: it must write nothing more once the signal has aborted.
 */
export async function retrying<T>(
  work: (spent: AbortSignal) => Promise<T>,
  { clock, limit, closed }: Budget,
): Promise<T> {
  const spent = new AbortController();
  let last: Error | undefined;

  async function attempts(): Promise<T> {
    for (;;) {
      spent.signal.throwIfAborted();
      try {
        return await work(spent.signal);
      } catch (error) {
        if (closed.aborted || !isPassing(error)) throw error;
        last = error;
      }
      await pause(clock, AGAIN_AFTER, spent.signal);
    }
  }

  return new Promise((resolve, reject) => {
    const cancel = atDeadline(clock, clock.monotonic() + limit, () => {
      const late = new NotConnected(`the database did not answer within ${limit} ms`);
      // No error of the driver: by its label a transaction would begin again.
      spent.abort(late);
      reject(last ?? late);
    });
    attempts().then(resolve, reject).finally(cancel);
  });
}
