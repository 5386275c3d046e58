import { textOf } from '@authstack/page/problem.ts';
import type { FieldProblem, Problem, Texts } from '@authstack/page/problem.ts';

/** The text for each code of the auth service. All of them are here. */
const texts: Texts = {
  VALIDATION_FAILED: 'Check what you entered.',
  INVALID_CREDENTIALS: 'The email address or the password is wrong.',
  SESSION_INVALID: 'Your session has ended. Sign in again.',
  SESSION_REUSED: 'Your session was used in two places, so it was ended. Sign in again.',
  COOKIE_TOO_LARGE: 'This site cannot sign you in: a browser would drop its cookie. Tell whoever runs it.',
  OVERLOADED: 'Many people are signing in right now. Try again {when}.',
  DATABASE_UNAVAILABLE: 'The service cannot reach its database. Try again {when}.',
  TOO_MANY_ATTEMPTS: 'There were too many attempts. Try again {when}.',
};

/** A refusal that no other password and no second attempt changes. */
export interface DeadEnd {
  readonly title: string;
  readonly text: string;
}

const deadEnds: Readonly<Record<string, DeadEnd>> = {
  USER_BANNED: {
    title: 'This account is banned.',
    text: 'Your password is right, but nobody can sign in with this account until an administrator lifts the ban.',
  },
  USER_DISABLED: {
    title: 'This account is disabled.',
    text: 'Your password is right, but nobody can sign in with this account until an administrator enables it again.',
  },
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

export function deadEndOf({ code }: Problem): DeadEnd | undefined {
  return deadEnds[code];
}

/** Where the text would need a number that only the service knows, the service's own words become the sentence. */
export function fieldMessageFor({ field, code, message }: FieldProblem): string {
  return fieldTexts[`${field} ${code}`] ?? `${labels[field] ?? field} ${message}.`;
}

/** The rule is shown before it is broken. Without the number, which the service may not have told, only the advice is. */
export function newPasswordHint(minLength: number | undefined): string {
  const rule = minLength === undefined ? '' : `At least ${minLength} characters. `;
  return `${rule}Best is a long phrase that you use nowhere else.`;
}
