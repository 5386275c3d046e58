import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Histogram } from 'prom-client';

/** A request as it is in the log: never a header, a query or a body, for these hold passwords and tokens. */
export interface LoggedRequest {
  readonly id: string;
  readonly method: string | undefined;
  readonly path: string;
}

export function loggedRequest(request: IncomingMessage & { originalUrl?: string }): LoggedRequest {
  const path = (request.originalUrl ?? request.url ?? '').split('?', 1)[0] ?? '';
  return { id: requestIdOf(request), method: request.method, path };
}

const ID = Symbol('request id');

interface Identified extends IncomingMessage {
  [ID]?: string | undefined;
}

/** The same for the whole life of the request; clients know it by the header `X-Request-Id`. */
export function requestIdOf(request: Identified): string {
  request[ID] ??= randomUUID();
  return request[ID];
}

export type RequestDuration = Histogram<'method' | 'route' | 'status'>;

export interface Watching {
  readonly log: Logger;
  readonly duration: RequestDuration;
  /** Paths that machines ask every few seconds: of these only what fails is worth a line. */
  readonly quiet?: readonly string[];
}

/** One line and one observation for each request, also for one whose client hung up before it was answered. */
export function watchRequests({ log: parent, duration, quiet = [] }: Watching): RequestHandler {
  // Its lines are made here and hold no secret, and to look for one would cost more than the rest of the line.
  const log = parent.child({}, { redact: [] });
  return (request, response, next) => {
    const startedAt = performance.now();
    response.setHeader('x-request-id', requestIdOf(request));
    response.once('close', () => {
      const responseTime = Math.round(performance.now() - startedAt);
      const { statusCode: status } = response;
      const req = loggedRequest(request);
      const level = levelOf(status, quiet.includes(req.path));
      if (response.writableFinished) log[level]({ req, res: { status }, responseTime }, 'request answered');
      else log.info({ req, responseTime }, 'request aborted');
      observe(duration, { request, response, startedAt, route: routeOf(request) });
    });
    next();
  };
}

function levelOf(status: number, isQuiet: boolean): 'warn' | 'info' | 'debug' {
  if (status >= 500) return 'warn';
  return isQuiet && status < 400 ? 'debug' : 'info';
}

export interface Observed {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** On the monotonic clock. */
  readonly startedAt: number;
  readonly route: string;
}

/** To be called when the response is closed. */
export function observe(duration: RequestDuration, { request, response, startedAt, route }: Observed): void {
  const status = response.writableFinished ? String(response.statusCode) : 'aborted';
  duration.observe({ method: methodOf(request), route, status }, (performance.now() - startedAt) / 1000);
}

/** Node's parser lets no others through than these and some thirty that no route takes: WebDAV's, UPnP's. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function methodOf({ method = '' }: IncomingMessage): string {
  return methods.has(method) ? method : 'other';
}

/** The route's pattern, never the path: ids would make a time series each. */
function routeOf(request: { readonly baseUrl: string; readonly route?: unknown }): string {
  const { route } = request;
  if (typeof route !== 'object' || route === null || !('path' in route)) return 'none';
  return `${request.baseUrl}${String(route.path)}`;
}
