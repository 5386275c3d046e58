import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** A real listener that answers in the auth service's place, and remembers what it was asked. */
export interface AuthService extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Resolves when this many requests have come. */
  wasAsked(times: number): Promise<void>;
}

export async function authService(answer: (response: ServerResponse) => void): Promise<AuthService> {
  const asked: Asked[] = [];
  const server = createServer(({ method, url, headers }, response) => {
    asked.push({ method, url, headers });
    answer(response);
    server.emit('asked');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async wasAsked(times) {
      while (asked.length < times) await once(server, 'asked');
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
