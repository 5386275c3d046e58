import type { Millis } from './objects.ts';

/** What the API server answered to a request it did not fulfil (meta/v1 Status). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status code. */
  readonly status: number;
  /** Machine readable, such as `AlreadyExists`, `Conflict`, `Expired`; see meta/v1 StatusReason. */
  readonly reason: string;
  /** How long the server wants to be left alone. */
  readonly retryAfter: Millis | undefined;

  constructor(act: string, status: number, { reason, message, retryAfter }: Refusal) {
    super(`${act}: ${message}`);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

interface Refusal {
  readonly reason: string;
  readonly message: string;
  readonly retryAfter?: Millis;
}

export function isApiError(error: unknown, status: number): error is ApiError {
  return error instanceof ApiError && error.status === status;
}
