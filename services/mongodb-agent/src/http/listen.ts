import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';

export interface Listening {
  readonly port: number;
  /** Ends every connection at once. */
  close(): Promise<void>;
}

/**
 * Connections are known from the moment they are accepted: one whose TLS handshake is under way is in no list of the HTTP
 * server's, and would be served, and keep the process alive, for as long as its client likes.
 */
export async function listen(
  server: Server,
  at: { readonly port: number; readonly host: string | undefined },
): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(at);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
