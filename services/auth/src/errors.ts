import { ServiceError } from '@authstack/http-service/errors';
import { commonProblems } from '@authstack/http-service/problems';
import type { ProblemKind } from '@authstack/http-service/problems';

/** Every code a client can meet. The one table: the problem documents, the OpenAPI document and the docs come from it. */
export const problems = {
  ...commonProblems,
  INVALID_CREDENTIALS: { status: 401, title: 'E-mail and password do not match' },
  SESSION_INVALID: { status: 401, title: 'There is no session, or it has ended' },
  SESSION_REUSED: {
    status: 401,
    title: 'A session token that had been replaced was used again; the session has ended',
  },
  TOKEN_INVALID: { status: 401, title: 'The access token is invalid', challenge: 'Bearer error="invalid_token"' },
  INVALID_CLIENT: {
    status: 401,
    title: 'Who asks is no client of this stack',
    challenge: 'Bearer, Basic realm="authstack"',
  },
  USER_BANNED: { status: 403, title: 'The user is banned' },
  USER_DISABLED: { status: 403, title: 'The user is disabled' },
  CSRF_REJECTED: { status: 403, title: 'The request does not come from a page of this site' },
  INLINE_REFRESH_OFF: { status: 403, title: 'No service of this stack may renew tokens' },
  AUDIENCE_REFUSED: { status: 403, title: "The client's audience is none of the stack's" },
  BODY_DELIVERY_REFUSED: { status: 403, title: 'Tokens are never delivered in a body to a browser' },
  NOT_THAT_CLIENT: { status: 403, title: 'The request names another client than its credential' },
  SESSION_NOT_FOUND: { status: 404, title: 'The user has no such session' },
  CLIENT_GONE: { status: 499, title: 'The client hung up before it was answered' },
  EMAIL_TAKEN: { status: 409, title: 'The address has an account already' },
  COOKIE_TOO_LARGE: { status: 500, title: 'The access token would not fit a cookie' },
  TOO_MANY_ATTEMPTS: { status: 429, title: 'Too many attempts' },
  NOT_READY: { status: 503, title: 'The service has not loaded its keys yet' },
  DATABASE_UNAVAILABLE: { status: 503, title: 'The database does not answer' },
  TOO_MANY_STREAMS: { status: 503, title: 'Too many event streams are open' },
  OVERLOADED: { status: 503, title: 'Too many sign-ins at once' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof problems;

/** A table of problems, as far as its codes and statuses matter. */
export type ProblemStatuses = Readonly<Record<ProblemCode, { readonly status: number }>>;

/** On the listener for services a 401 is about the client; what is wrong with a session of its callers is 403 there. */
export const serviceProblems = {
  ...problems,
  SESSION_INVALID: { ...problems.SESSION_INVALID, status: 403 },
  SESSION_REUSED: { ...problems.SESSION_REUSED, status: 403 },
} as const satisfies Record<ProblemCode, ProblemKind>;

/** What a client is answered. The message is for the client too, so it never holds what the client sent. */
export abstract class AuthError extends ServiceError {
  abstract override readonly code: ProblemCode;
}

export class NotReady extends AuthError {
  override readonly code = 'NOT_READY';

  constructor(what: string) {
    super(`${what} not loaded yet`, { retryAfterSeconds: 2 });
  }
}
