import { z } from 'zod';

const units = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const unitNames = Object.keys(units) as (keyof typeof units)[];

/** Parts of weeks, days, hours, minutes and seconds, largest first: `30d`, `1h30m`, `90s`. */
export const durationSchema = z
  .string()
  .min(2)
  .max(20)
  .regex(new RegExp(`^${unitNames.map((unit) => `([0-9]+${unit})?`).join('')}$`))
  .meta({ description: 'A duration of w, d, h, m and s parts, largest first.', example: '1h30m' });

/** Milliseconds of a duration that fits `durationSchema`; anything else is a RangeError. */
export function durationMillis(text: string): number {
  if (!durationSchema.safeParse(text).success) {
    throw new RangeError(`read duration ${JSON.stringify(text)}: expected parts of w, d, h, m, s, such as 1h30m`);
  }
  const parts = unitNames.map((unit) => Number(new RegExp(`([0-9]+)${unit}`).exec(text)?.[1] ?? 0) * units[unit]);
  return parts.reduce((sum, part) => sum + part, 0) * 1000;
}

/** The same reading as a CEL expression: whole seconds of the duration that the CEL expression `field` names. */
export function durationInCel(field: string): string {
  const parts = unitNames.map((unit) => {
    const part = `${field}.find('[0-9]+${unit}')`;
    return `(${part} == '' ? 0 : int(${part}.replace('${unit}', '')) * ${String(units[unit])})`;
  });
  return `(${parts.join(' + ')})`;
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
