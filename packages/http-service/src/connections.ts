import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';

/**
 * ```
 * silent   nothing of a request has come yet; under TLS also while the handshake is under way
 * begun    a part of a request's head has come
 * owed     a request that has come is not answered yet
 * idle     every request was answered and no other has begun
 * ```
 */
export type ConnectionState = 'silent' | 'begun' | 'owed' | 'idle';

export interface Connections {
  readonly size: number;
  /** How many were ended because there were too many. */
  readonly endedForRoom: number;
  /** From now on each answer ends its connection (RFC 9112, section 9.6). */
  endWithAnswers(): void;
  end(...states: readonly ConnectionState[]): void;
}

interface Connection {
  /** As accepted. Whatever is spoken over it ends with it. */
  readonly accepted: Socket;
  /** What HTTP is spoken over; under TLS another socket, known after the handshake. */
  spoken: Socket | undefined;
  readonly owed: Map<ServerResponse, IncomingMessage>;
  /** Of HTTP, when the last request was answered. */
  bytesAnswered: number | undefined;
}

export interface ConnectionBounds {
  readonly atMost: number;
}

/**
 * Every connection of an HTTP or HTTPS server from the moment it is accepted: one whose TLS handshake is under way is in no
 * list of the HTTP server's. When there are too many, the one that has kept the service waiting for longest makes room for the
 * new one, so that no number of slow clients shuts the others out.
 */
export function trackConnections(server: Server, { atMost }: ConnectionBounds): Connections {
  /** In the order in which the service began to wait for their clients. */
  const connections = new Set<Connection>();
  const bySocket = new WeakMap<Socket, Connection>();
  const isTls = server instanceof TlsServer;
  let endedForRoom = 0;
  let areEnding = false;

  server.on('connection', (accepted: Socket) => {
    if (connections.size >= atMost) makeRoom(accepted);
    if (accepted.destroyed) return;
    const connection: Connection = {
      accepted,
      spoken: isTls ? undefined : accepted,
      owed: new Map(),
      bytesAnswered: undefined,
    };
    connections.add(connection);
    bySocket.set(accepted, connection);
    accepted.once('close', () => connections.delete(connection));
  });
  server.on('secureConnection', (spoken: TLSSocket) => {
    const connection = connections.values().find(({ accepted }) => isSame(accepted, spoken));
    if (!connection) return;
    connection.spoken = spoken;
    bySocket.set(spoken, connection);
  });
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    if (areEnding) endItsConnection(response);
    const connection = bySocket.get(request.socket);
    if (!connection) return;
    connection.owed.set(response, request);
    response.once('close', () => {
      answered(connection, response);
    });
  });

  function answered(connection: Connection, response: ServerResponse): void {
    connection.owed.delete(response);
    if (connection.owed.size > 0) return;
    connection.bytesAnswered = connection.spoken?.bytesRead;
    if (connections.delete(connection)) connections.add(connection);
    // Where its head was sent before the end began, it does not say that the connection ends.
    if (areEnding && response.getHeader('connection') !== 'close') connection.accepted.destroy();
  }

  function makeRoom(newcomer: Socket): void {
    const waited = (connection: Connection): boolean => connection.owed.values().every(({ complete }) => !complete);
    const slowest =
      connections.values().find((connection) => connection.bytesAnswered === undefined && waited(connection)) ??
      connections.values().find(waited);
    endedForRoom += 1;
    (slowest?.accepted ?? newcomer).destroy();
    if (slowest) connections.delete(slowest);
  }

  return {
    get size() {
      return connections.size;
    },
    get endedForRoom() {
      return endedForRoom;
    },
    endWithAnswers() {
      areEnding = true;
      for (const { owed } of connections) for (const response of owed.keys()) endItsConnection(response);
    },
    end(...states) {
      for (const connection of connections) {
        if (states.includes(stateOf(connection))) connection.accepted.destroy();
      }
    },
  };
}

function stateOf({ spoken, owed, bytesAnswered = 0 }: Connection): ConnectionState {
  if (owed.size > 0) return 'owed';
  if (!spoken || spoken.bytesRead === 0) return 'silent';
  return spoken.bytesRead > bytesAnswered ? 'begun' : 'idle';
}

function isSame(one: Socket, other: Socket): boolean {
  return one.remotePort === other.remotePort && one.remoteAddress === other.remoteAddress;
}

/** Otherwise the client may use it for its next request, for as long as keepAliveTimeout. */
function endItsConnection(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}
