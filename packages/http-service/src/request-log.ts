import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import type { Histogram } from 'prom-client';

/** One line per answered request: never a header, a query or a body, for these hold passwords and tokens. */
export function requestLog(log: Logger): RequestHandler {
  const middleware = pinoHttp({
    logger: log,
    genReqId: () => randomUUID(),
    wrapSerializers: false,
    serializers: {
      req: (request: IncomingMessage) => ({ id: request.id, method: request.method, path: pathOf(request) }),
      res: (response: { statusCode: number }) => ({ status: response.statusCode }),
    },
    customLogLevel: (_request, response) => (response.statusCode >= 500 ? 'warn' : 'info'),
    customSuccessMessage: () => 'request answered',
    customErrorMessage: () => 'request answered',
    customErrorObject: (...[, , , line]: [unknown, { statusCode: number }, unknown, object]) => ({
      ...line,
      err: undefined,
    }),
  });
  return (request, response, next) => {
    middleware(request, response);
    response.set('x-request-id', requestIdOf(request));
    next();
  };
}

export function requestIdOf(request: IncomingMessage): string {
  return typeof request.id === 'string' ? request.id : '';
}

function pathOf(request: IncomingMessage & { originalUrl?: string }): string {
  return (request.originalUrl ?? request.url ?? '').split('?', 1)[0] ?? '';
}

export type RequestDuration = Histogram<'method' | 'route' | 'status'>;

export function requestMetrics(duration: RequestDuration): RequestHandler {
  return (request, response, next) => {
    const done = duration.startTimer({ method: request.method });
    response.once('finish', () => {
      done({ route: routeOf(request), status: String(response.statusCode) });
    });
    next();
  };
}

/** The route's pattern, never the path: ids would make a time series each. */
function routeOf(request: { readonly baseUrl: string; readonly route?: unknown }): string {
  const { route } = request;
  if (typeof route !== 'object' || route === null || !('path' in route)) return 'none';
  return `${request.baseUrl}${String(route.path)}`;
}
