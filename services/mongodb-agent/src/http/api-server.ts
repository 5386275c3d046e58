import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import { TLSSocket } from 'node:tls';
import { INACTIVE_AT_MOST, serverLimits, tlsLimits } from '@authstack/http-service/server-limits';
import type { Logger } from 'pino';
import { agentContract } from '../api.ts';
import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import { problemOf } from './problem.ts';
import type { Subscribe } from '../mongod/watch.ts';
import type { Route } from './routes.ts';
import type { TlsFiles } from './tls-files.ts';

export interface ApiServerDeps {
  readonly routes: ReadonlyMap<string, Route>;
  readonly tls: TlsFiles;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counted: (request: { route: string; code: string }) => void;
}

const maxBodyBytes = 64 * 1024;

/** The operator's; and what a stranger can hold open until the handshake fails. */
export const API_CONNECTIONS = 64;

/** The TLS handshake proves the stack's CA; the common name in the certificate authorizes the client. */
export function createApiServer({ routes, tls, clock, log, counted }: ApiServerDeps): Server {
  const options = { ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const };
  const server = createServer({ ...options, ...serverLimits, ...tlsLimits }, (request, response) => {
    void answer(request, response);
  });
  return server.setTimeout(INACTIVE_AT_MOST);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = clock.now();
    const path = request.url?.split('?')[0] ?? '';
    const route = routes.get(path);
    const outcome = await serve(request, route).catch((error: unknown) => failed(error, path));
    if (route && route.method !== request.method) response.setHeader('allow', route.method);
    const { status, code } = send(response, outcome);
    counted({ route: route ? path : '(none)', code });
    // Observations are requested every few seconds; only changes are worth a line.
    if (request.method !== 'GET') log.info({ path, status, code, millis: clock.now() - startedAt }, 'request');
  }

  function failed(error: unknown, path: string): Outcome {
    const problem = problemOf(error);
    if (problem.code === 'INTERNAL') log.error({ err: error, path }, 'request failed');
    return { problem };
  }
}

type Outcome =
  { readonly body: unknown } | { readonly subscribe: Subscribe } | { readonly problem: ReturnType<typeof problemOf> };

async function serve(request: IncomingMessage, route: Route | undefined): Promise<Outcome> {
  refuseStrangers(request);
  if (!route) throw new Refusal('NOT_FOUND', `there is no ${request.url ?? ''}`);
  if (request.method !== route.method) throw new Refusal('METHOD_NOT_ALLOWED', `use ${route.method}`);
  if ('subscribe' in route) return { subscribe: route.subscribe };
  return { body: await route.handle(route.method === 'POST' ? await readJson(request) : undefined) };
}

function refuseStrangers(request: IncomingMessage): void {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || nameOf(socket) !== agentContract.clientCommonName) {
    throw new Refusal('CLIENT_REFUSED', `only ${agentContract.clientCommonName} may use this API`);
  }
}

function nameOf(socket: TLSSocket): unknown {
  return socket.authorized ? socket.getPeerCertificate().subject.CN : undefined;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(request)) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new Refusal('BODY_TOO_LARGE', `the body exceeds ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new Refusal('UNSUPPORTED_MEDIA_TYPE', 'send application/json');
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    // The parser's message quotes the body, which may hold a password.
    throw new Refusal('BAD_REQUEST', 'the body is not JSON');
  }
}

/** Leaves the connection open when the reader stops early, so that the refusal can still be sent. */
function bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

function send(response: ServerResponse, outcome: Outcome): { status: number; code: string } {
  if ('problem' in outcome) {
    const { status, code } = outcome.problem;
    // After a refusal the rest of a body may still be on its way.
    response
      .writeHead(status, { 'content-type': 'application/problem+json', connection: 'close' })
      .end(JSON.stringify(outcome.problem));
    return { status, code };
  }
  if ('subscribe' in outcome) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    const unsubscribe = outcome.subscribe({
      line: (line) => void response.write(`${line}\n`),
      end: () => void response.end(),
    });
    response.once('close', unsubscribe);
    return { status: 200, code: 'OK' };
  }
  if (outcome.body === undefined) {
    response.writeHead(204).end();
    return { status: 204, code: 'OK' };
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(outcome.body));
  return { status: 200, code: 'OK' };
}
