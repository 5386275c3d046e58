import { AuthError } from '../errors.ts';

export class TooManyStreams extends AuthError {
  override readonly code = 'TOO_MANY_STREAMS';

  constructor(whose: string) {
    super(`${whose} on this pod; another may have room`, { retryAfterSeconds: 5 });
  }
}

/** Whoever acknowledges keys, or says goodbye, in the name of another would have the next key sign before that one can verify it. */
export class NotThatClient extends AuthError {
  override readonly code = 'NOT_THAT_CLIENT';

  constructor() {
    super('the request names another client than the one whose credential it shows');
  }
}
