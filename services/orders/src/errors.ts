import { ServiceError } from '@authstack/http-service/errors';
import { commonProblems } from '@authstack/http-service/problems';
import type { ProblemKind } from '@authstack/http-service/problems';

/** Every code of this service's own; those of sign-in are in @authstack/verify. */
export const problems = {
  ...commonProblems,
  TICKET_NOT_FOUND: { status: 404, title: 'There is no such ticket' },
  ALREADY_BOUGHT: { status: 409, title: 'The user already has this ticket' },
  SOLD_OUT: { status: 409, title: 'The ticket is sold out' },
} as const satisfies Record<string, ProblemKind>;

export abstract class OrdersError extends ServiceError {
  abstract override readonly code: keyof typeof problems;
}
