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

export class InlineRefreshOff extends AuthError {
  override readonly code = 'INLINE_REFRESH_OFF';

  constructor() {
    super('spec.auth.inlineRefresh is false: only browsers renew their tokens');
  }
}

export class AudienceRefused extends AuthError {
  override readonly code = 'AUDIENCE_REFUSED';

  constructor(audience: string) {
    super(`tokens of this stack are not for ${audience} (any more): see spec.audience of the AuthConsumer`);
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
