/** A day written out; what is not a time is shown as it is. */
export function dayText(isoTime: string, locale?: string): string {
  const time = new Date(isoTime);
  return Number.isNaN(time.getTime()) ? isoTime : time.toLocaleDateString(locale, { dateStyle: 'long' });
}
