import { SIGN_IN_FIRST, UNREACHABLE, UNREADABLE } from './problem.ts';
import type { FieldProblem, Problem } from './problem.ts';

/** What the page says to each code of the APIs. The one place for these texts. */
const texts: Readonly<Record<string, string>> = {
  // Forms
  VALIDATION_FAILED: 'Please check what you entered.',
  INVALID_CREDENTIALS: 'Email or password is wrong.',
  USER_BANNED: 'This account is banned.',
  USER_DISABLED: 'This account is disabled.',
  // Sessions
  SESSION_INVALID: 'Your session has ended. Please sign in again.',
  SESSION_REUSED: 'Your session was used from two places and has been ended. Please sign in again.',
  TOKEN_INVALID: 'Your session has ended. Please sign in again.',
  SESSION_REFUSED: 'Your session has ended. Please sign in again.',
  CSRF_REJECTED: 'Your browser sent this as if from another site. Reload the page and try again.',
  // Tickets
  [SIGN_IN_FIRST]: 'Sign in or sign up to buy a ticket.',
  UNAUTHENTICATED: 'The shop could not confirm who you are. Try again in a moment, or sign in again.',
  SOLD_OUT: 'This ticket is sold out.',
  ALREADY_BOUGHT: 'You have this ticket already.',
  TICKET_NOT_FOUND: 'This ticket is not on sale any more. Please reload the page.',
  // Services in trouble
  OVERLOADED: 'Many people are signing in right now. Please try again in a moment.',
  NOT_READY: 'The service is starting. Please try again in a moment.',
  VERIFIER_NOT_READY: 'The shop is starting. Please try again in a moment.',
  REFRESH_UNAVAILABLE:
    'The sign-in service does not answer, so the shop cannot confirm who you are. You stay signed in; please try again in a moment.',
  DATABASE_UNAVAILABLE: 'The service cannot reach its database. Please try again in a moment.',
  INTERNAL: 'Something went wrong on our side. Please try again.',
  [UNREACHABLE]: 'The service does not answer. Check your connection, or try again in a moment.',
  [UNREADABLE]: 'The service gave an answer that this page does not understand. Please reload the page.',
};

const fieldTexts: Readonly<Record<string, string>> = {
  'email REQUIRED': 'Enter your email address.',
  'email NOT_ACCEPTABLE': 'Enter an email address like name@example.com.',
  'email TOO_LONG': 'This email address is too long.',
  'email EMAIL_TAKEN': 'This email address has an account already. Sign in instead.',
  'password REQUIRED': 'Enter your password.',
};

const labels: Readonly<Record<string, string>> = { email: 'Email', password: 'Password' };

export function messageFor({ code, detail }: Problem): string {
  return texts[code] ?? detail ?? 'Something went wrong. Please try again.';
}

/** Where the text would need a number that only the service knows, its own words are made a sentence. */
export function fieldMessageFor({ field, code, message }: FieldProblem): string {
  return fieldTexts[`${field} ${code}`] ?? `${labels[field] ?? field} ${message}.`;
}
