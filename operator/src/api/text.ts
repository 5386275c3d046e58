import { z } from 'zod';

export interface Form {
  readonly max: number;
  readonly pattern: RegExp;
  /** What to write, for whoever wrote something else. */
  readonly message: string;
}

/** Where a schema carries the message, for `structural`. */
export const PATTERN_MESSAGE = 'x-pattern-message';

/** A text of that form. The API server says for a pattern only that it does not match; as a rule it can say what to write. */
export function text({ max, pattern, message }: Form): z.ZodString {
  return z
    .string()
    .min(1)
    .max(max)
    .regex(pattern, message)
    .meta({ [PATTERN_MESSAGE]: message });
}
