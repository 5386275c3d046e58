import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as TlsServer } from 'node:https';
import type { Millis } from './clock.ts';
import { INACTIVE_AT_MOST, serverLimits, tlsLimits } from './server-limits.ts';

export function createPublicServer(app: RequestListener): Server {
  return served(createServer(serverLimits, app));
}

/**
 * The same under TLS, and no client shows a certificate. No handshake succeeds until `keepTlsFresh` has read one. `keptFor`: how long
 * a client may keep an idle connection for its next request.
 */
export function createPublicTlsServer(app: RequestListener, { keptFor }: { readonly keptFor: Millis }): TlsServer {
  const limits = { ...serverLimits, ...tlsLimits, keepAliveTimeout: keptFor };
  return served(createTlsServer({ minVersion: 'TLSv1.3', ...limits }, app));
}

function served<S extends Server | TlsServer>(server: S): S {
  server.setTimeout(INACTIVE_AT_MOST);
  // Node would tell every client to go on and send its body, also one that is refused for its length.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  return server;
}
