import type { ServerResponse } from 'node:http';
import { AuthError } from '../errors.ts';

/** The client hung up before it was answered; nobody reads the answer. */
export class ClientGone extends AuthError {
  override readonly code = 'CLIENT_GONE';

  constructor() {
    super('the client hung up');
  }
}

/** Aborts when the connection closes before the answer is written. */
export function hangUpOf(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  if (response.destroyed) controller.abort();
  return controller.signal;
}
