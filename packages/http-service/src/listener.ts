import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Clock, Millis } from './clock.ts';

export interface Listener {
  readonly port: number;
  /** Ends every connection; with `grace`, first lets the requests that have begun be answered within that time. */
  close(grace?: Grace): Promise<void>;
}

export interface Grace {
  readonly clock: Clock;
  readonly within: Millis;
}

/**
 * Of an HTTP or HTTPS server. Connections are known from the moment they are accepted: one whose TLS handshake is under way is in no list of the HTTP
 * server's, and would be served, and keep the process alive, for as long as its client likes.
 */
export async function listen(
  server: Server,
  at: { readonly port: number; readonly host?: string | undefined },
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const responses = new Set<ServerResponse>();
  let isClosing = false;

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.prependListener('request', (_request, response: ServerResponse) => {
    responses.add(response);
    response.once('close', () => {
      responses.delete(response);
      if (isClosing && responses.size === 0) cut();
    });
    if (isClosing) endsItsConnection(response);
  });
  server.listen(at);
  await once(server, 'listening');

  function cut(): void {
    for (const socket of sockets) socket.destroy();
  }

  return {
    port: (server.address() as AddressInfo).port,
    async close(grace) {
      isClosing = true;
      const closed = once(server, 'close');
      server.close();
      for (const response of responses) endsItsConnection(response);
      if (!grace || responses.size === 0) cut();
      const cancel = grace?.clock.after(grace.within, cut);
      await closed;
      cancel?.();
    },
  };
}

/** Otherwise Node keeps it open for the client's next request, for as long as keepAliveTimeout, also after `close`. */
function endsItsConnection(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}
