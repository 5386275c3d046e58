import { once } from 'node:events';
import { Server as NetServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { Clock, Millis } from './clock.ts';
import { trackConnections } from './connections.ts';
import type { ConnectionBounds, Connections } from './connections.ts';

export interface Listener {
  readonly port: number;
  readonly connections: Pick<Connections, 'size' | 'endedForRoom'>;
  /** From now on each answer ends its connection; new connections are still accepted. */
  drain(): void;
  /** Ends every connection; with `grace`, first lets the requests that have begun be answered within that time. */
  close(grace?: Grace): Promise<void>;
}

export interface Grace {
  readonly clock: Pick<Clock, 'after'>;
  readonly within: Millis;
}

export interface ListenOptions extends Partial<ConnectionBounds> {
  readonly port: number;
  readonly host?: string | undefined;
}

const CONNECTIONS_AT_MOST = 4_096;
/** A connection that was just accepted has this long to begin a request that is still answered. */
const TO_BEGIN: Millis = 1_000;

/** Of an HTTP or HTTPS server; `serverLimits` bounds what its clients may take. */
export async function listen(
  server: Server,
  { atMost = CONNECTIONS_AT_MOST, ...at }: ListenOptions,
): Promise<Listener> {
  const connections = trackConnections(server, { atMost });
  server.listen(at);
  await once(server, 'listening');

  async function finish({ clock, within }: Grace): Promise<void> {
    await whatHasArrivedIsRead();
    const closed = stopListening(server);
    connections.end('idle');
    const cancels = [
      clock.after(Math.min(TO_BEGIN, within), () => {
        connections.end('silent');
      }),
      clock.after(within, () => {
        connections.end('silent', 'begun', 'owed', 'idle');
      }),
    ];
    await closed;
    for (const cancel of cancels) cancel();
  }

  return {
    port: (server.address() as AddressInfo).port,
    connections,
    drain() {
      connections.endWithAnswers();
    },
    async close(grace) {
      connections.endWithAnswers();
      if (grace) await finish(grace);
      else {
        const closed = stopListening(server);
        connections.end('silent', 'begun', 'owed', 'idle');
        await closed;
      }
      // No longer looks for requests that take too long.
      server.close();
    },
  };
}

/**
 * Not `server.close()`, which ends idle connections at once, before the requests that have arrived on them are read, and with
 * them such whose last answer is still being sent.
 */
async function stopListening(server: Server): Promise<void> {
  const closed = once(server, 'close');
  NetServer.prototype.close.call(server);
  await closed;
}

/** One turn accepts what waits to be accepted, the next reads from it; and the present turn may have read already. */
async function whatHasArrivedIsRead(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await turnOfTheLoop();
}
