import type { ServerOptions } from 'node:http';
import type { TlsOptions } from 'node:tls';
import type { Millis } from './clock.ts';

/**
 * How long a client may take, in milliseconds; for `createServer` of node:http and node:https. How many there may be at once
 * is the listener's bound.
 */
export const serverLimits = {
  /** From the beginning of a connection, or of a request on it, to the end of the request's head. */
  headersTimeout: 10_000,
  /** To the end of its body. */
  requestTimeout: 20_000,
  connectionsCheckingInterval: 1_000,
  /** A client that reads the `Keep-Alive` header closes an idle connection by then, so that none is left when a drain ends. */
  keepAliveTimeout: 5_000,
  /** Load balancers read no such header: a connection must last longer than they keep theirs, mostly 60 s. */
  keepAliveTimeoutBuffer: 70_000,
} as const satisfies ServerOptions;

/** For node:https on top. */
export const tlsLimits = { handshakeTimeout: 10_000 } as const satisfies TlsOptions;

/** For `setTimeout` of either: a client that reads no answer ends its connection. Longer than the slowest answer takes. */
export const INACTIVE_AT_MOST: Millis = 60_000;
