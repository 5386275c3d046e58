import { AuthError } from '../errors.ts';

export class EmailTaken extends AuthError {
  override readonly code = 'EMAIL_TAKEN';

  constructor() {
    const message = 'has an account already; sign in instead';
    super(message, { fields: [{ field: 'email', code: 'EMAIL_TAKEN', message }] });
  }
}
