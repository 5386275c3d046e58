import { textOf } from '@authstack/page/problem.ts';
import type { Problem, Texts } from '@authstack/page/problem.ts';
import { SIGN_IN_UNREACHABLE } from './api.ts';

/** The text for each code of the orders service. All of them are here. */
const texts: Texts = {
  SOLD_OUT: 'This ticket is sold out.',
  ALREADY_BOUGHT: 'You already have this ticket.',
  TICKET_NOT_FOUND: 'This ticket is no longer on sale. Reload the page.',
  UNAUTHENTICATED: 'Sign in to buy tickets.',
  SESSION_INVALID: 'Your session has ended. Sign in again.',
  SESSION_REUSED: 'Your session was used in two places, so it was ended. Sign in again.',
  VERIFIER_NOT_READY: 'The shop is starting. Try again {when}.',
  [SIGN_IN_UNREACHABLE]:
    'The sign-in service does not answer, so the shop cannot confirm who you are. You stay signed in. Try again {when}.',
  REFRESH_UNAVAILABLE:
    'The sign-in service does not answer, so the shop cannot confirm who you are. You stay signed in. Try again {when}.',
};

export function messageFor(problem: Problem): string {
  return textOf(problem, texts);
}
