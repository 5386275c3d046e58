import type { Credentials } from './api.ts';
import { fieldMessageFor, messageFor } from './messages.ts';
import type { FieldProblem, Problem } from './problem.ts';

export const credentialFields = ['email', 'password'] as const;
export type CredentialField = (typeof credentialFields)[number];

export interface Complaints {
  readonly fields: Partial<Readonly<Record<CredentialField, string>>>;
  /** What no field is to blame for. */
  readonly form?: string;
}

/** What can be told without asking the service. Everything else is the service's to judge. */
export function missingFields(credentials: Credentials): Problem | undefined {
  const fields = credentialFields
    .filter((field) => credentials[field].trim() === '')
    .map((field): FieldProblem => ({ field, code: 'REQUIRED', message: 'is required' }));
  return fields.length === 0 ? undefined : { code: 'VALIDATION_FAILED', status: 0, fields };
}

export function complaintsOf(problem: Problem): Complaints {
  const ours = problem.fields.filter(({ field }) => isCredentialField(field));
  if (ours.length === 0) return { fields: {}, form: messageFor(problem) };
  // The first complaint about a field is the one to act on.
  return { fields: Object.fromEntries(ours.toReversed().map((each) => [each.field, fieldMessageFor(each)])) };
}

function isCredentialField(name: string): name is CredentialField {
  return credentialFields.some((field) => field === name);
}
