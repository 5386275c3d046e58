import type { z } from 'zod';
import { ValidationFailed } from '../errors.ts';
import type { FieldError } from '../errors.ts';

/** Parses a body, or tells every field that is wrong. Values are never repeated. */
export function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body, { reportInput: true });
  if (result.success) return result.data;
  throw new ValidationFailed(result.error.issues.flatMap(complaints));
}

function complaints(issue: z.core.$ZodIssue): FieldError[] {
  const field = issue.path.map(String).join('.') || 'body';
  if (issue.code !== 'unrecognized_keys') return [{ field, ...complaint(issue) }];
  return issue.keys.map((key) => ({ field: key.slice(0, 64), code: 'UNKNOWN_FIELD', message: 'is not known here' }));
}

function complaint(issue: z.core.$ZodIssue): Omit<FieldError, 'field'> {
  const { message } = issue;
  if (issue.code === 'too_big') return { code: 'TOO_LONG', message };
  if (issue.code === 'too_small') return { code: 'REQUIRED', message };
  if (issue.code !== 'invalid_type') return { code: 'NOT_ACCEPTABLE', message };
  if (issue.input === undefined) return { code: 'REQUIRED', message: 'is required' };
  return { code: 'WRONG_TYPE', message: `must be a JSON ${issue.expected}` };
}
