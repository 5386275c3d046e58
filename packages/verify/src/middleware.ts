import type { IncomingMessage, ServerResponse } from 'node:http';
import type { VerifyError } from './errors.ts';
import { identify } from './identify.ts';
import type { IdentifyPorts } from './identify.ts';
import type { Identity } from './identity.ts';
import { sendProblem } from './problem.ts';
import { knownOf } from './known.ts';

/** Express, connect, and everything else that passes on Node's own requests. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/** `undefined` lets the request pass. */
export type Admission = (identity: Identity) => VerifyError | undefined;

/** Each request is identified once, whichever middleware comes first. */
export function createGuard(ports: IdentifyPorts, refused: (code: string) => void): (admit: Admission) => Middleware {
  function identityOf(request: IncomingMessage, response: ServerResponse): Identity | Promise<Identity> {
    const known = knownOf(request);
    if (known.identified?.by === ports) return known.identified.identity;
    const identity = identify(request, response, ports);
    known.identified = { by: ports, identity };
    return identity;
  }

  /** Whether the request may go on. */
  function isAdmitted(admit: Admission, identity: Identity, to: Exchange): boolean {
    const refusal = admit(identity);
    if (refusal) {
      refused(refusal.code);
      sendProblem(to.response, refusal);
      return false;
    }
    if (identity.state === 'user') knownOf(to.request).user = identity.user;
    return true;
  }

  return (admit) => (request, response, next) => {
    const to = { request, response };
    let isAllowed: boolean;
    try {
      const identity = identityOf(request, response);
      if (identity instanceof Promise) {
        void identity
          .then((renewed) => isAdmitted(admit, renewed, to))
          .then(
            (isAllowedLater) => {
              if (isAllowedLater) handOver(next);
            },
            (error: unknown) => {
              handOver(next, error);
            },
          );
        return;
      }
      isAllowed = isAdmitted(admit, identity, to);
    } catch (error) {
      next(error);
      return;
    }
    // Outside of what catches errors: what a handler throws is not this middleware's.
    if (isAllowed) next();
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
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
