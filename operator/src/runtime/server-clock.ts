import type { Clock } from './clock.ts';
import type { Millis } from './objects.ts';

/** How far the clock of the API server is ahead of ours: between the two, negative where it is behind. */
export interface ClockOffset {
  readonly least: Millis;
  readonly most: Millis;
}

/** What an answer says about the time. */
export interface DatedAnswer {
  /** Its header `Date` (RFC 9110), if it has one. */
  readonly date: string | undefined;
  /** From before the request was sent until the header was there. */
  readonly took: Millis;
}

/** The header has no more than whole seconds. */
const RESOLUTION: Millis = 1_000;

/**
 * The clock of the API server, by the answers that we get anyway. The header was written at some moment of the exchange and cuts
 * off the fraction of its second:
 *
 *     server   ──────────── Date ≤ ┤ its clock ├ < Date + 1 s ───────
 *     ours        sent ◄────────── took ──────────► received
 *
 *     Date − received  ≤  offset  <  Date + 1 s − sent
 *
 * It is kept against our monotonic clock, so a wall clock that somebody sets is off in the same moment, without another answer.
 * Each answer narrows the bounds; one that contradicts them (a clock was set, or has drifted) replaces them.
 */
export class ServerClock {
  private readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** Of the server's clock minus our monotonic one. */
  private bounds: ClockOffset | undefined;

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.clock = clock;
  }

  hear({ date, took }: DatedAnswer): void {
    const written = Date.parse(date ?? '');
    if (Number.isNaN(written)) return;
    const received = this.clock.monotonic();
    const heard = { least: written - received, most: written + RESOLUTION - (received - took) };
    const { least, most } = this.bounds ?? heard;
    const narrowed = { least: Math.max(least, heard.least), most: Math.min(most, heard.most) };
    this.bounds = narrowed.least <= narrowed.most ? narrowed : heard;
  }

  /** Undefined: no answer has said. */
  get offset(): ClockOffset | undefined {
    if (!this.bounds) return undefined;
    const ours = this.clock.now() - this.clock.monotonic();
    return { least: this.bounds.least - ours, most: this.bounds.most - ours };
  }
}

/** What is certain of an offset, towards 0: a difference within the bounds of the measurement is none. */
export function certainOffset({ least, most }: ClockOffset): Millis {
  if (least > 0) return least;
  return Math.min(most, 0);
}
