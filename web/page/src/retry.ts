/** When a service asks to be tried again. */
export interface Retry {
  readonly afterSeconds: number;
  /** Milliseconds since the epoch, by the clock of the browser. */
  readonly at: number;
}

/** `Retry-After`: seconds, or a date (RFC 9110 §10.2.3). `undefined` for what is neither, and for what has passed. */
export function retryOf(header: string | null, now: number): Retry | undefined {
  const afterSeconds = secondsOf((header ?? '').trim(), now);
  if (afterSeconds === undefined || afterSeconds <= 0) return undefined;
  return { afterSeconds, at: now + afterSeconds * 1000 };
}

function secondsOf(text: string, now: number): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const date = text.endsWith(' GMT') ? Date.parse(text) : NaN;
  return Number.isNaN(date) ? undefined : Math.ceil((date - now) / 1000);
}

/** From here on a time of the day says more than a number of seconds. */
const SHOW_TIME_FROM_SECONDS = 90;
const HOUR = 3_600;

/** As it stands after “Try again”. It is rounded up, so that whoever waits that long has waited long enough. */
export function whenText(retry: Retry | undefined, locale?: string): string {
  if (!retry) return 'in a moment';
  const { afterSeconds, at } = retry;
  if (afterSeconds < SHOW_TIME_FROM_SECONDS) return `in ${counted(afterSeconds, 'second')}`;
  // The next full minute: 14:05:20 is shown as 14:06.
  const time = new Date(Math.ceil(at / 60_000) * 60_000).toLocaleTimeString(locale, { timeStyle: 'short' });
  if (afterSeconds < HOUR) return `in ${counted(Math.ceil(afterSeconds / 60), 'minute')}, at ${time}`;
  if (afterSeconds < 24 * HOUR) return `in ${counted(Math.ceil(afterSeconds / HOUR), 'hour')}, at ${time}`;
  return `in ${counted(Math.ceil(afterSeconds / (24 * HOUR)), 'day')}`;
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
