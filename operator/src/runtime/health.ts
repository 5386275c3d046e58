import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface Health {
  /** Why the process should be restarted; undefined while it is healthy. */
  readonly sick: () => string | undefined;
  /** Why it cannot do its work yet. */
  readonly notReady: () => string | undefined;
}

export interface HealthServerOptions {
  readonly port: number;
  readonly registry: Registry;
  readonly health: Health;
}

export interface HealthServer extends AsyncDisposable {
  readonly port: number;
}

/** `/healthz`, `/readyz` and `/metrics` over plain HTTP. */
export async function serveHealth({ port, registry, health }: HealthServerOptions): Promise<HealthServer> {
  const probe = (problem: string | undefined): { code: number; text: string } =>
    problem === undefined ? { code: 200, text: 'ok\n' } : { code: 503, text: `${problem}\n` };
  const server = createServer((request, response) => {
    const answer = ({ code, text }: { code: number; text: string }, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(code, { 'content-type': type }).end(text);
    };
    // kubectl and humans ask for `/readyz?verbose`.
    switch ((request.url ?? '/').replace(/\?.*/, '')) {
      case '/healthz':
        answer(probe(health.sick()));
        return;
      case '/readyz':
        answer(probe(health.notReady()));
        return;
      case '/metrics':
        registry.metrics().then(
          (text) => {
            answer({ code: 200, text }, registry.contentType);
          },
          (error: unknown) => {
            answer({ code: 500, text: String(error) });
          },
        );
        return;
      default:
        answer({ code: 404, text: 'there is /healthz, /readyz and /metrics\n' });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
