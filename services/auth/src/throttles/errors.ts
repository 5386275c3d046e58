import type { Millis } from '@authstack/http-service/clock';
import { AuthError } from '../errors.ts';

export class TooManyAttempts extends AuthError {
  override readonly code = 'TOO_MANY_ATTEMPTS';

  /** The same words whatever was counted: they must not tell whether the address has an account. */
  constructor(wait: Millis) {
    super('too many attempts; try again later', { retryAfterSeconds: Math.max(1, Math.ceil(wait / 1000)) });
  }
}
