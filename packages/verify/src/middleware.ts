import type { IncomingMessage, ServerResponse } from 'node:http';
import type { VerifyError } from './errors.ts';
import { identify } from './identify.ts';
import type { Identity, IdentifyPorts } from './identify.ts';
import { sendProblem } from './problem.ts';
import { rememberUser } from './user.ts';

/** Express, connect, and everything else that passes on Node's own requests. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/** `undefined` lets the request pass. */
export type Admission = (identity: Identity) => VerifyError | undefined;

/** Each request is identified once, whichever middleware comes first. */
export function createGuard(ports: IdentifyPorts, refused: (code: string) => void): (admit: Admission) => Middleware {
  const identities = new WeakMap<IncomingMessage, Promise<Identity>>();

  function identityOf(request: IncomingMessage, response: ServerResponse): Promise<Identity> {
    const identity = identities.get(request) ?? identify(request, response, ports);
    identities.set(request, identity);
    return identity;
  }

  /** Whether the request may go on. */
  async function isAdmitted(admit: Admission, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const identity = await identityOf(request, response);
    const refusal = admit(identity);
    if (refusal) {
      refused(refusal.code);
      sendProblem(response, refusal);
      return false;
    }
    if (identity.state === 'user') rememberUser(request, identity.user);
    return true;
  }

  return (admit) => (request, response, next) => {
    void isAdmitted(admit, request, response).then(
      (admitted) => {
        if (admitted) handOver(next);
      },
      (error: unknown) => {
        handOver(next, error);
      },
    );
  };
}

/**
 * Called once, whatever it does: what a handler throws behind plain `node:http` is an uncaught exception there, as it would be
 * without this middleware, and no reason to call the handler again. Express catches what its handlers throw.
 */
function handOver(next: (error?: unknown) => void, error?: unknown): void {
  queueMicrotask(() => {
    if (error === undefined) next();
    else next(error);
  });
}
