import { Agent } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Trust } from './trust.ts';

/** Makes a connection to the auth service of that Secret; `signal` ends the attempt. */
export type Connect = (trust: Trust, signal: AbortSignal) => Promise<TLSSocket>;

/**
 * One connection for requests that follow each other: a handshake costs the auth service more than all else about a small one. It
 * is kept for as long as the listener says that it is (`Keep-Alive`) and the Secret names the same auth service, and keeps no
 * process alive.
 */
export class KeptConnection {
  private agent: Agent | undefined;
  private leadsTo = '';

  /** Of requests that are sent at once, all but one make connections of their own. */
  agentFor(trust: Trust, connect: Connect): Agent {
    const place = JSON.stringify([trust.authUrl, trust.ca]);
    if (this.agent && this.leadsTo === place) return this.agent;
    this.close();
    this.leadsTo = place;
    this.agent = new ConnectingAgent((signal) => connect(trust, signal));
    return this.agent;
  }

  /** Ends it, and whatever is under way on it; the next request makes another. */
  close(): void {
    this.agent?.destroy();
    this.agent = undefined;
  }
}

class ConnectingAgent extends Agent {
  private readonly connect: (signal: AbortSignal) => Promise<TLSSocket>;

  constructor(connect: (signal: AbortSignal) => Promise<TLSSocket>) {
    super({ keepAlive: true, maxFreeSockets: 1 });
    this.connect = connect;
  }

  override createConnection(
    { signal = new AbortController().signal }: RequestOptions,
    created: (error: Error | null, socket: TLSSocket) => void = () => undefined,
  ): undefined {
    this.connect(signal).then(
      (socket) => {
        created(null, socket);
      },
      (error: unknown) => {
        // Nobody looks at the socket of an attempt that has failed.
        created(error as Error, undefined as never);
      },
    );
    return undefined;
  }
}
