import { textOf } from '@authstack/page/problem.ts';
import type { FieldProblem, Problem, Texts } from '@authstack/page/problem.ts';

/** The text for each code of the auth service. All of them are here. */
const texts: Texts = {
  VALIDATION_FAILED: 'Check what you entered.',
  INVALID_CREDENTIALS: 'The email address or the password is wrong.',
  USER_BANNED: 'This account is banned.',
  USER_DISABLED: 'This account is disabled.',
  SESSION_INVALID: 'Your session has ended. Sign in again.',
  SESSION_REUSED: 'Your session was used in two places, so it was ended. Sign in again.',
  OVERLOADED: 'Many people are signing in right now. Try again in a moment.',
  DATABASE_UNAVAILABLE: 'The service cannot reach its database. Try again in a moment.',
};

const fieldTexts: Texts = {
  'email REQUIRED': 'Enter your email address.',
  'email NOT_ACCEPTABLE': 'Enter an email address such as name@example.com.',
  'email TOO_LONG': 'This email address is too long.',
  'email EMAIL_TAKEN': 'This email address already has an account. Sign in instead.',
  'password REQUIRED': 'Enter your password.',
};

const labels: Texts = { email: 'Email', password: 'Password' };

export function messageFor(problem: Problem): string {
  return textOf(problem, texts);
}

/** Where the text would need a number that only the service knows, the service's own words become the sentence. */
export function fieldMessageFor({ field, code, message }: FieldProblem): string {
  return fieldTexts[`${field} ${code}`] ?? `${labels[field] ?? field} ${message}.`;
}
