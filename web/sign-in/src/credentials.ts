import { problemOf } from '@authstack/page/problem.ts';
import type { FieldProblem, Problem } from '@authstack/page/problem.ts';
import type { Credentials } from './api.ts';
import { deadEndOf, fieldMessageFor, messageFor } from './messages.ts';
import type { DeadEnd } from './messages.ts';

export const credentialFields = ['email', 'password'] as const;
export type CredentialField = (typeof credentialFields)[number];

export interface FormErrors {
  readonly fields: Partial<Readonly<Record<CredentialField, string>>>;
  /** What belongs to no field of the form. */
  readonly form?: string | DeadEnd;
}

/** What can be said without asking the service. Everything else is for the service to judge. */
export function missingFields(credentials: Credentials): Problem | undefined {
  const fields = credentialFields
    .filter((field) => credentials[field].trim() === '')
    .map((field): FieldProblem => ({ field, code: 'REQUIRED', message: 'is required' }));
  return fields.length === 0 ? undefined : problemOf('VALIDATION_FAILED', { fields });
}

export function formErrorsOf(problem: Problem): FormErrors {
  const known = problem.fields.filter(({ field }) => isCredentialField(field));
  if (known.length === 0) return { fields: {}, form: deadEndOf(problem) ?? messageFor(problem) };
  // The first error of a field is the one to act on.
  return { fields: Object.fromEntries(known.toReversed().map((each) => [each.field, fieldMessageFor(each)])) };
}

function isCredentialField(name: string): name is CredentialField {
  return credentialFields.some((field) => field === name);
}
