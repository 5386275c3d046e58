import { once } from 'node:events';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority } from '../../../../services/mongodb-agent/src/testing/certificates.ts';
import type { Authority } from '../../../../services/mongodb-agent/src/testing/certificates.ts';
import type { Files } from './secret-mount.ts';

export interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real TLS listener that answers in the auth service's place, and remembers what it was asked. */
export interface ServiceListener extends AsyncDisposable {
  readonly asked: readonly Asked[];
  /** How many TLS connections were made so far. */
  readonly connections: number;
  /** Where it is and who vouches for it, for the Secret of a consumer. */
  readonly files: Files;
  /** Resolves when this many requests have come. */
  wasAsked(times: number): Promise<void>;
  /** Ends the connections that wait for another request. */
  endIdleConnections(): Promise<void>;
}

export interface ServiceListenerOptions {
  readonly answer: (response: ServerResponse, asked: Asked) => void;
  /** Of whom its certificate is. */
  readonly authority?: Authority;
}

let ofTheStack: Promise<Authority> | undefined;

/** Its certificate is for `localhost`. */
export async function serviceListener({ answer, authority }: ServiceListenerOptions): Promise<ServiceListener> {
  ofTheStack ??= createAuthority();
  const ca = await ofTheStack;
  const asked: Asked[] = [];
  let connections = 0;
  const identity = await (authority ?? ca).issue('auth');
  // However slow the machine is, none ends between two requests by itself.
  const server = createServer({ ...identity, keepAliveTimeout: 600_000 }, (request, response) => {
    void (async () => {
      const { method, url, headers } = request;
      const body = Buffer.concat((await request.toArray()) as Buffer[]).toString();
      const seen = { method, url, headers, body };
      asked.push(seen);
      answer(response, seen);
      server.emit('asked');
    })();
  });
  server.on('secureConnection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    asked,
    get connections() {
      return connections;
    },
    files: {
      'auth-url': `https://localhost:${(server.address() as AddressInfo).port}`,
      'ca.crt': ca.cert,
    },
    async wasAsked(times) {
      while (asked.length < times) await once(server, 'asked');
    },
    async endIdleConnections() {
      server.closeIdleConnections();
      await new Promise((resolve) => setImmediate(resolve));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
