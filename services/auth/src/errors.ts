/** Every code a client can meet. The one table: the problem documents, the OpenAPI document and the docs come from it. */
export const problems = {
  VALIDATION_FAILED: { status: 400, title: 'A field of the request is not acceptable' },
  MALFORMED_JSON: { status: 400, title: 'The body is not JSON' },
  BAD_REQUEST: { status: 400, title: 'The request cannot be read' },
  INVALID_CREDENTIALS: { status: 401, title: 'E-mail and password do not match' },
  SESSION_INVALID: { status: 401, title: 'There is no session, or it has ended' },
  SESSION_REUSED: {
    status: 401,
    title: 'A session token that had been replaced was used again; the session has ended',
  },
  TOKEN_INVALID: { status: 401, title: 'The access token is not valid' },
  USER_BANNED: { status: 403, title: 'The user is banned' },
  USER_DISABLED: { status: 403, title: 'The user is disabled' },
  CSRF_REJECTED: { status: 403, title: 'The request does not come from a page of this site' },
  BODY_DELIVERY_REFUSED: { status: 403, title: 'Tokens are never delivered in a body to a browser' },
  NOT_FOUND: { status: 404, title: 'There is nothing here' },
  SESSION_NOT_FOUND: { status: 404, title: 'The user has no such session' },
  EMAIL_TAKEN: { status: 409, title: 'The address has an account already' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body must be application/json in UTF-8' },
  INTERNAL: { status: 500, title: 'The service failed' },
  NOT_READY: { status: 503, title: 'The service has not loaded its keys yet' },
  DATABASE_UNAVAILABLE: { status: 503, title: 'The database does not answer' },
  OVERLOADED: { status: 503, title: 'Too many sign-ins at once' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

export interface FieldError {
  /** Name of the field, header or parameter; nested names are joined by dots. */
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

export interface AuthErrorOptions extends ErrorOptions {
  readonly fields?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
}

/** What a client is told. The message is for the client too, so it never holds what the client sent. */
export abstract class AuthError extends Error {
  abstract readonly code: ProblemCode;
  readonly fields: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, { fields = [], retryAfterSeconds, ...options }: AuthErrorOptions = {}) {
    super(message, options);
    this.name = new.target.name;
    this.fields = fields;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class ValidationFailed extends AuthError {
  override readonly code = 'VALIDATION_FAILED';

  constructor(fields: readonly FieldError[]) {
    super(fields.map(({ field, message }) => `${field}: ${message}`).join('; '), { fields });
  }
}

export class NotReady extends AuthError {
  override readonly code = 'NOT_READY';

  constructor(what: string) {
    super(`${what} not loaded yet`, { retryAfterSeconds: 2 });
  }
}

/** Names of things that were thrown, for logs; the message of a foreign error may hold a secret only if its maker put it there. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
