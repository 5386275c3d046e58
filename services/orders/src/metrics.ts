import type { VerifierEvent } from '@authstack/verify';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly httpDuration: Histogram<'method' | 'route' | 'status'>;
  readonly purchases: Counter<'outcome'>;
  count(event: VerifierEvent): void;
}

/** One registry per service, so that two can live in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const refusals = new Counter({
    name: 'orders_sign_in_refusals_total',
    help: 'Requests refused before they reached a handler, by code of the problem.',
    labelNames: ['code'],
    registers,
  });
  const refreshes = new Counter({
    name: 'orders_token_refreshes_total',
    help: 'Requests whose expired token the auth service was asked to renew, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  const identityRefusals = new Counter({
    name: 'orders_identity_refusals_total',
    help: 'How often the auth service began to refuse this service, or had another reason to.',
    registers,
  });
  const loads = new Counter({
    name: 'orders_key_loads_total',
    help: 'Changes of the mounted Secret, by outcome; after a refused one the last usable Secret stays in force.',
    labelNames: ['outcome'],
    registers,
  });
  const keys = new Gauge({ name: 'orders_verification_keys', help: 'Keys in force.', registers });

  return {
    registry,
    httpDuration: new Histogram({
      name: 'orders_http_request_duration_seconds',
      help: 'Time to answer a request of the public listener.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
    purchases: new Counter({
      name: 'orders_purchases_total',
      help: 'Attempts to buy a ticket, by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    count(event) {
      switch (event.type) {
        case 'loaded':
          loads.inc({ outcome: 'loaded' });
          keys.set(event.kids.length);
          return;
        case 'notLoaded':
          loads.inc({ outcome: 'refused' });
          return;
        case 'refused':
          refusals.inc({ code: event.code });
          return;
        case 'refresh':
          refreshes.inc({ outcome: event.outcome });
          return;
        case 'clientRefused':
          identityRefusals.inc();
          return;
        case 'keysFed':
          keys.set(event.kids.length);
          return;
        case 'feed':
          return;
      }
    },
  };
}
