import { AuthError } from '../errors.ts';

/** Of the metric, and for people; stable. */
export type Reason =
  | 'no_credentials'
  | 'malformed_credentials'
  | 'unknown_client'
  | 'wrong_secret'
  | 'expired_secret'
  | 'secret_not_accepted'
  | 'token_not_accepted'
  | 'cluster_unknown'
  | 'token_malformed'
  | 'token_key'
  | 'token_signature'
  | 'token_issuer'
  | 'token_audience'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'service_account'
  | 'service_account_made_anew';

/** Who asks is no client of this stack. The message says what was seen and what to look at, and never a credential. */
export class InvalidClient extends AuthError {
  override readonly code = 'INVALID_CLIENT';
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
