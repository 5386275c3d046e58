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

  return (admit) => (request, response, next) => {
    identityOf(request, response)
      .then((identity) => {
        const refusal = admit(identity);
        if (refusal) {
          refused(refusal.code);
          sendProblem(response, refusal);
          return;
        }
        if (identity.state === 'user') rememberUser(request, identity.user);
        next();
      })
      .catch(next);
  };
}
