import type { RequestListener } from 'node:http';
import express from 'express';
import type { Express, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { isCanonical } from './canonical-path.ts';
import { documentsFirst } from './documents.ts';
import type { PublicDocuments } from './documents.ts';
import { problemHandlers } from './problems.ts';
import type { ProblemTable } from './problems.ts';
import { watchRequests } from './request-log.ts';
import type { RequestDuration } from './request-log.ts';
import { securityHeaders } from './security-headers.ts';
import { endsConnectionUnlessRead } from './unread-body.ts';

export interface PublicAppOptions {
  readonly log: Logger;
  readonly duration: RequestDuration;
  /** Of the pages that are served; undefined as long as it is not known. */
  readonly origin: () => string | undefined;
  readonly problems: ProblemTable;
  /** Answered before anything else; each is a route as well. */
  readonly documents?: PublicDocuments;
  /** Paths whose requests leave no line in the log, unless they fail. */
  readonly quiet?: readonly string[];
  /** Before anything else sees a request. */
  readonly first?: readonly RequestHandler[];
  /** What is served: routers by where they are mounted. */
  readonly mount: (app: Express) => void;
}

/** What is the same before and after the routes of every public listener. */
export function createPublicApp(options: PublicAppOptions): RequestListener {
  const { log, duration, origin, problems, documents = {}, first = [], quiet = [], mount } = options;
  const headers = securityHeaders(origin);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  const { notFound, errorHandler } = problemHandlers(problems, log);

  app.use(...first, watchRequests({ log, duration, quiet }), (request, response, next) => {
    response.set(headers());
    if (request.path.startsWith('/api/')) response.setHeader('cache-control', 'no-store');
    endsConnectionUnlessRead(request, response);
    if (isCanonical(request.originalUrl)) next();
    else notFound(request, response, next);
  });
  mount(app);
  app.use(notFound, errorHandler);
  return documentsFirst({ documents, duration, headers, otherwise: app });
}
