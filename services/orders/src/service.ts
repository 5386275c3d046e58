import { randomUUID } from 'node:crypto';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { createHttpService } from '@authstack/http-service/service';
import type { HttpService } from '@authstack/http-service/service';
import { createVerifier } from '@authstack/verify';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import type { Settings } from './environment.ts';
import { logEvent } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { Ticket } from './orders/catalogue.ts';
import { openOrderStore } from './orders/order-store.sqlite.ts';

export interface ServicePorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly catalogue: readonly Ticket[];
}

const FINISH_WITHIN: Millis = 10_000;

export function createService(settings: Settings, { clock, log, catalogue }: ServicePorts): HttpService {
  const metrics = createMetrics();
  const store = openOrderStore(settings.database);
  const verifier = createVerifier({
    directory: settings.authDir,
    ...(settings.clockSkew !== undefined && { clockSkewSeconds: settings.clockSkew / 1000 }),
    feed: settings.feed,
    clock,
    report(event) {
      metrics.count(event);
      logEvent(log, event);
    },
  });
  const app = createApp({
    verifier,
    log,
    metrics,
    catalogue,
    store,
    shopDir: settings.shopDir,
    now: () => clock.now(),
    newId: randomUUID,
  });

  return createHttpService({
    app,
    ports: settings.ports,
    drain: settings.drain,
    finishWithin: FINISH_WITHIN,
    /** Without keys no request has a user, so nothing can be sold. */
    missing: () => (verifier.status.state === 'ready' ? [] : [`auth: ${verifier.status.reason}`]),
    registry: metrics.registry,
    clock,
    log,
    async finish() {
      await verifier.close();
      store.close();
    },
  });
}
