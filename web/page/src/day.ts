/** A day written out; what is not a time is shown as it is. */
export function dayText(isoTime: string, locale?: string): string {
  return written(isoTime, (time) => time.toLocaleDateString(locale, { dateStyle: 'long' }));
}

/** A day and the time of the day. */
export function timeText(isoTime: string, locale?: string): string {
  return written(isoTime, (time) => time.toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' }));
}

function written(isoTime: string, write: (time: Date) => string): string {
  const time = new Date(isoTime);
  return Number.isNaN(time.getTime()) ? isoTime : write(time);
}
