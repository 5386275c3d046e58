import { AuthError } from '../errors.ts';
import { TokenInvalid } from '../tokens/access-token.ts';

export class InvalidCredentials extends AuthError {
  override readonly code = 'INVALID_CREDENTIALS';

  constructor() {
    super('e-mail or password is wrong');
  }
}

export class SessionInvalid extends AuthError {
  override readonly code = 'SESSION_INVALID';

  constructor() {
    super('sign in again');
  }
}

export class SessionReused extends AuthError {
  override readonly code = 'SESSION_REUSED';

  constructor() {
    super('the session was used from two places and has been ended; sign in again');
  }
}

export class SessionNotFound extends AuthError {
  override readonly code = 'SESSION_NOT_FOUND';

  constructor() {
    super('no session of this id is open');
  }
}

export class UserBanned extends AuthError {
  override readonly code = 'USER_BANNED';

  constructor() {
    super('this account is banned');
  }
}

export class UserDisabled extends AuthError {
  override readonly code = 'USER_DISABLED';

  constructor() {
    super('this account is disabled');
  }
}

/** It was a good one. For whoever wants to sign out, that has been done. */
export class TokenOutlived extends TokenInvalid {
  constructor() {
    super('the session of the access token has ended');
  }
}
