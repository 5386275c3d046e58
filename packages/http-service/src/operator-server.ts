import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import { OPERATOR_COMMON_NAME } from './operator-client.ts';
import { InvalidBody, OperatorRefusal } from './operator-problems.ts';
import type { OperatorProblem } from './operator-problems.ts';
import { INACTIVE_AT_MOST, serverLimits, tlsLimits } from './server-limits.ts';

/*
 * The listener of a pod for the operator alone, mutual TLS with certificates of the stack's authority:
 *
 *   handshake   the client shows a certificate of that authority that is for clients, or learns nothing
 *   request     its common name is the operator's, or 403
 *
 * It begins without a certificate, and no handshake succeeds until `keepTlsFresh` has read one.
 */

export type OperatorRoute =
  | {
      readonly method: 'GET' | 'POST';
      /** Of the body that it takes; absent: 64 KiB. */
      readonly maxBodyBytes?: number;
      /** Answers the body to send; `undefined` is 204. */
      readonly handle: (body: unknown) => unknown;
    }
  | {
      readonly method: 'GET';
      /** Lines of JSON without end. */
      readonly subscribe: Subscribe;
    };

/** Calls `line` with each line until it is unsubscribed by what it returns, or calls `end`. */
export type Subscribe = (subscriber: Subscriber) => () => void;

export interface Subscriber {
  readonly line: (line: string) => void;
  readonly end: () => void;
}

export interface OperatorServerDeps {
  /** By path. */
  readonly routes: ReadonlyMap<string, OperatorRoute>;
  readonly problemOf: (error: unknown) => OperatorProblem;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  readonly counted?: (request: { route: string; code: string }) => void;
}

const MAX_BODY_BYTES = 64 * 1024;

/** The operator's; and what a stranger can hold open until the handshake fails. */
export const OPERATOR_CONNECTIONS = 64;

/** A command whose body is of that schema. */
export function post<Body>(
  schema: z.ZodType<Body>,
  command: (body: Body) => unknown,
  { maxBodyBytes = MAX_BODY_BYTES }: { readonly maxBodyBytes?: number } = {},
): OperatorRoute {
  return {
    method: 'POST',
    maxBodyBytes,
    handle: (body) => {
      const parsed = schema.safeParse(body ?? {});
      if (!parsed.success) throw new InvalidBody(parsed.error);
      return command(parsed.data);
    },
  };
}

/** The TLS handshake proves the stack's authority; the common name in the certificate authorizes the client. */
export function createOperatorServer({ routes, problemOf, clock, log, counted }: OperatorServerDeps): Server {
  const options = { requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const };
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
    counted?.({ route: route ? path : '(none)', code });
    // What is observed is requested every few seconds; only changes are worth a line.
    if (request.method !== 'GET') log.info({ path, status, code, millis: clock.now() - startedAt }, 'request');
  }

  function failed(error: unknown, path: string): Outcome {
    const problem = problemOf(error);
    if (problem.code === 'INTERNAL') log.error({ err: error, path }, 'request failed');
    return { problem };
  }
}

type Outcome = { readonly body: unknown } | { readonly subscribe: Subscribe } | { readonly problem: OperatorProblem };

async function serve(request: IncomingMessage, route: OperatorRoute | undefined): Promise<Outcome> {
  refuseStrangers(request);
  if (!route) throw new OperatorRefusal('NOT_FOUND', `there is no ${request.url ?? ''}`);
  if (request.method !== route.method) throw new OperatorRefusal('METHOD_NOT_ALLOWED', `use ${route.method}`);
  if ('subscribe' in route) return { subscribe: route.subscribe };
  return {
    body: await route.handle(route.method === 'POST' ? await readJson(request, route.maxBodyBytes) : undefined),
  };
}

function refuseStrangers(request: IncomingMessage): void {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || nameOf(socket) !== OPERATOR_COMMON_NAME) {
    throw new OperatorRefusal('CLIENT_REFUSED', `only ${OPERATOR_COMMON_NAME} may use this API`);
  }
}

function nameOf(socket: TLSSocket): unknown {
  return socket.authorized ? socket.getPeerCertificate().subject.CN : undefined;
}

async function readJson(request: IncomingMessage, maxBodyBytes = MAX_BODY_BYTES): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(request)) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new OperatorRefusal('BODY_TOO_LARGE', `the body exceeds ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new OperatorRefusal('UNSUPPORTED_MEDIA_TYPE', 'send application/json');
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    // The parser's message quotes the body, which may hold a password.
    throw new OperatorRefusal('BAD_REQUEST', 'the body is not JSON');
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
