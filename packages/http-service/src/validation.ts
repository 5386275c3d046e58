import type { z } from 'zod';
import { ValidationFailed } from './errors.ts';
import type { FieldError } from './errors.ts';

export interface Source {
  /** What the value as a whole is called in an error: `body`, `query`. */
  readonly name: string;
}

/** Parses what came from outside, or names every field that is invalid. Values are never repeated. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown, { name }: Source = { name: 'body' }): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new ValidationFailed(result.error.issues.flatMap((issue) => fieldErrors(issue, name)));
}

function fieldErrors(issue: z.core.$ZodIssue, name: string): FieldError[] {
  const field = issue.path.map(String).join('.') || name;
  if (issue.code !== 'unrecognized_keys') return [{ field, code: codeOf(issue), message: messageFor(issue) }];
  const prefix = issue.path.length > 0 ? `${field}.` : '';
  return issue.keys.map((key) => ({
    field: `${prefix}${key.slice(0, 64)}`,
    code: 'UNKNOWN_FIELD',
    message: 'is not a known field',
  }));
}

function codeOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') {
    const code: unknown = issue.params?.['code'];
    return typeof code === 'string' ? code : 'NOT_ACCEPTABLE';
  }
  if (issue.code === 'invalid_type') return issue.input === undefined ? 'REQUIRED' : 'WRONG_TYPE';
  if (issue.code === 'too_big') return 'TOO_LONG';
  if (issue.code !== 'too_small') return 'NOT_ACCEPTABLE';
  return issue.minimum === 1 ? 'REQUIRED' : 'TOO_SHORT';
}

function messageFor(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return issue.message;
  return issue.input === undefined ? 'is required' : `must be a JSON ${issue.expected}`;
}
