import { z } from 'zod';

const MAX_CODE_POINTS = 128;

const codePoints = (text: string): number => Array.from(text).length;

const tooLong = { error: `must have at most ${MAX_CODE_POINTS} characters`, params: { code: 'TOO_LONG' } };

/** Bounds hold for a password as it is sent, which documents can say, and in NFKC, which may be longer or shorter. */
const plain = z
  .string()
  .refine((text) => text.isWellFormed(), 'must be valid Unicode')
  .refine(isShortEnough, tooLong)
  .transform((text) => text.normalize('NFKC'))
  .refine(isShortEnough, tooLong);

function isShortEnough(text: string): boolean {
  return codePoints(text) <= MAX_CODE_POINTS;
}

/** At sign-in only the upper bound holds: a raised minimum must not lock out older passwords. */
export const presentedPassword = z
  .string()
  .min(1, 'must not be empty')
  .meta({ format: 'password', maxLength: MAX_CODE_POINTS })
  .pipe(plain);

export function newPassword(minLength: number): z.ZodType<string, string> {
  const isLongEnough = (text: string): boolean => codePoints(text) >= minLength;
  const tooShort = { error: `must have at least ${minLength} characters`, params: { code: 'TOO_SHORT' } };
  return z
    .string()
    .refine(isLongEnough, tooShort)
    .meta({ format: 'password', minLength, maxLength: MAX_CODE_POINTS })
    .pipe(plain)
    .refine(isLongEnough, tooShort);
}
