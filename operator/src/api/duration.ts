import { z } from 'zod';

const units = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const unitNames = Object.keys(units) as (keyof typeof units)[];

/**
 * The API server reads a duration as nanoseconds in 64 bits, and silently wrongly beyond 292 years. With these many digits
 * all of them end before 63 years, so that a rule may add a few.
 */
const digits = { w: 3, d: 4, h: 5, m: 6, s: 8 } as const;

/**
 * Parts of weeks, days, hours, minutes and seconds, largest first: `30d`, `1h30m`, `90s`. The format makes it a duration in
 * CEL rules; it would allow more (`1.5h`, `-1m`, `2 weeks`), which the pattern refuses.
 */
export const durationSchema = z
  .string()
  .min(2)
  .max(20)
  .regex(new RegExp(`^${unitNames.map((unit) => `([0-9]{1,${digits[unit]}}${unit})?`).join('')}$`))
  .meta({ format: 'duration', example: '1h30m' });

/** Milliseconds of a duration that fits `durationSchema`; anything else is a RangeError. */
export function durationMillis(text: string): number {
  if (!durationSchema.safeParse(text).success) {
    throw new RangeError(`read duration ${JSON.stringify(text)}: expected parts of w, d, h, m, s, such as 1h30m`);
  }
  const parts = unitNames.map((unit) => Number(new RegExp(`([0-9]+)${unit}`).exec(text)?.[1] ?? 0) * units[unit]);
  return parts.reduce((sum, part) => sum + part, 0) * 1000;
}

/** The shortest text of a length of time, in the same form. */
export function durationText(millis: number): string {
  let rest = Math.max(0, Math.round(millis / 1000));
  const parts: string[] = [];
  for (const unit of unitNames) {
    const count = Math.floor(rest / units[unit]);
    rest -= count * units[unit];
    if (count > 0) parts.push(`${String(count)}${unit}`);
  }
  return parts.join('') || '0s';
}
