import express from 'express';
import type { Express, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { problemHandlers } from './problems.ts';
import type { ProblemTable } from './problems.ts';
import { requestLog, requestMetrics } from './request-log.ts';
import type { RequestDuration } from './request-log.ts';
import { securityHeaders } from './security-headers.ts';

export interface PublicAppOptions {
  readonly log: Logger;
  readonly duration: RequestDuration;
  /** Of the pages that are served; undefined as long as it is not known. */
  readonly origin: () => string | undefined;
  readonly problems: ProblemTable;
  /** Before anything else sees a request. */
  readonly first?: readonly RequestHandler[];
  /** What is served: routers by where they are mounted. */
  readonly mount: (app: Express) => void;
}

/** What is the same before and after the routes of every public listener. */
export function createPublicApp(options: PublicAppOptions): Express {
  const { log, duration, origin, problems, first = [], mount } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');

  app.use(...first, requestLog(log), requestMetrics(duration), securityHeaders(origin));
  app.use('/api', (_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });
  mount(app);

  const { notFound, errorHandler } = problemHandlers(problems);
  app.use(notFound, errorHandler);
  return app;
}
