import type { Price } from './replies.ts';

/** Amounts are in the smallest unit, of which a euro has a hundred and a yen is one. */
export function priceText({ amount, currency }: Price, locale?: string): string {
  try {
    const format = new Intl.NumberFormat(locale, { style: 'currency', currency });
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
    return format.format(amount / 10 ** digits);
  } catch {
    return `${amount} ${currency}`;
  }
}
