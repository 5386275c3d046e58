import type { RequestListener } from 'node:http';
import { builtPage } from '@authstack/http-service/built-page';
import { createPublicApp } from '@authstack/http-service/public-app';
import type { Verifier } from '@authstack/verify';
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
export function createApp(ports: AppPorts): RequestListener {
  const { verifier, log, metrics, shopDir } = ports;
  return createPublicApp({
    log,
    duration: metrics.httpDuration,
    origin: () => (verifier.status.state === 'ready' ? verifier.status.issuer : undefined),
    problems,
    first: [verifier.hideSession()],
    mount(app) {
      app.use(orderRoutes(ports));
      if (shopDir !== undefined) app.use('/shop', builtPage(shopDir));
    },
  });
}
