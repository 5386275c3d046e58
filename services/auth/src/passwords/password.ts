import { z } from 'zod';

const MAX_CODE_POINTS = 128;

const codePoints = (text: string): number => Array.from(text).length;

const plain = z
  .string()
  .refine((text) => text.isWellFormed(), 'must be valid Unicode')
  .transform((text) => text.normalize('NFKC'))
  .refine((text) => codePoints(text) <= MAX_CODE_POINTS, {
    error: `must have at most ${MAX_CODE_POINTS} characters`,
    params: { code: 'TOO_LONG' },
  });

/** At sign-in only the upper bound holds: a raised minimum must not lock out older passwords. */
export const presentedPassword = z.string().min(1, 'must not be empty').meta({ format: 'password' }).pipe(plain);

export function newPassword(minLength: number): z.ZodType<string, string> {
  return z
    .string()
    .meta({ format: 'password', minLength, maxLength: MAX_CODE_POINTS })
    .pipe(plain)
    .refine((text) => codePoints(text) >= minLength, {
      error: `must have at least ${minLength} characters`,
      params: { code: 'TOO_SHORT' },
    });
}
