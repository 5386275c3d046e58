import { builtPage } from '@authstack/http-service/built-page';
import { problemHandlers } from '@authstack/http-service/problems';
import { requestLog, requestMetrics } from '@authstack/http-service/request-log';
import { securityHeaders } from '@authstack/http-service/security-headers';
import type { Verifier } from '@authstack/verify';
import express from 'express';
import type { Express } from 'express';
import type { Logger } from 'pino';
import { problems } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { BuyTicketPorts } from './orders/buy-ticket.ts';
import { orderRoutes } from './orders/routes.ts';

export interface AppPorts extends BuyTicketPorts {
  readonly verifier: Pick<Verifier, 'hideSession' | 'requireUser' | 'status'>;
  /** The page, as vite built it. */
  readonly shopDir: string | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The public listener. */
export function createApp(ports: AppPorts): Express {
  const { verifier, log, metrics, shopDir } = ports;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(verifier.hideSession(), requestLog(log), requestMetrics(metrics.httpDuration));
  app.use(securityHeaders(() => (verifier.status.state === 'ready' ? verifier.status.issuer : undefined)));
  app.use('/api', (_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });
  app.use('/api/orders', orderRoutes(ports));
  if (shopDir !== undefined) app.use('/shop', builtPage(shopDir));

  const { notFound, errorHandler } = problemHandlers(problems);
  app.use(notFound, errorHandler);
  return app;
}
