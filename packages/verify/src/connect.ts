import { lookup as lookupOfNode } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Clock, Millis } from './clock.ts';

export interface Target {
  /** A name, or an address. */
  readonly host: string;
  readonly port: number;
}

export interface ConnectOptions {
  readonly clock: Clock;
  /** Ends all attempts. */
  readonly signal: AbortSignal;
  /** All addresses of a name. Default: what the machine says. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
}

/** For each attempt. Within a cluster an address answers in a few milliseconds, or its pod or node is gone. */
const CONNECTS_WITHIN: Millis = 500;
/** At least; behind the single address of a Service each new connection is led to a pod chosen anew. */
const ATTEMPTS = 3;

/**
 * A connection to whichever address of a name answers, each tried in turn. Throws the failure of the last attempt, or the
 * reason of `signal`.
 *
 * Node's own `autoSelectFamily` tries one address after the other as well, but waits for the last of them, so for the address of
 * a Service too, as long as the kernel does: two minutes.
 */
export async function connectTo({ host, port }: Target, options: ConnectOptions): Promise<Socket> {
  const { signal, lookup = addressesOf } = options;
  const addresses = await unlessAborted(lookup(host), signal);
  let failure: unknown = new Error(`${host} has no address`);
  for (const address of inTurn(addresses)) {
    try {
      return await attempt({ host: address, port }, options);
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookupOfNode(host, { all: true })).map(({ address }) => address);
}

/** Each of them, and again from the beginning until there are enough attempts. */
function inTurn(addresses: readonly string[]): readonly string[] {
  if (addresses.length === 0) return [];
  const rounds = Math.ceil(ATTEMPTS / addresses.length);
  return Array.from({ length: rounds }, () => addresses)
    .flat()
    .slice(0, Math.max(ATTEMPTS, addresses.length));
}

async function attempt({ host, port }: Target, { clock, signal }: ConnectOptions): Promise<Socket> {
  const limit = new AbortController();
  const cancel = clock.after(CONNECTS_WITHIN, () => {
    limit.abort(new Error(`${host}, port ${port}: no connection within ${CONNECTS_WITHIN} ms`));
  });
  const socket = connect({ host, port, noDelay: true });
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, limit.signal]) });
    return socket;
  } catch (error) {
    socket.destroy();
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    cancel();
  }
}

/** A name server that does not answer is no reason to wait for it; nothing can call a lookup back. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const done = new AbortController();
  const aborted = once(signal, 'abort', { signal: done.signal }).then(() => {
    throw signal.reason;
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    done.abort();
  }
}
