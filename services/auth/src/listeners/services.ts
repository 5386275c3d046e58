import { feedApi } from '@authstack/verify/feed-api';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { createPublicApp } from '@authstack/http-service/public-app';
import type { HttpServiceOptions } from '@authstack/http-service/service';
import type { Logger } from 'pino';
import { authContract } from '../api.ts';
import { clientAuthentication } from '../clients/authenticate.ts';
import type { ClientRoute } from '../clients/client-route.ts';
import type { Client } from '../clients/clients.ts';
import type { LoadedClients } from '../clients/loaded-clients.ts';
import type { Settings } from '../environment.ts';
import { serviceProblems } from '../errors.ts';
import { documented } from '../http/documented.ts';
import { clientSchemes } from '../http/openapi.ts';
import { routerOf } from '../http/route.ts';
import type { Gate } from '../http/route.ts';
import type { Metrics } from '../metrics/metrics.ts';

export interface ServicesPorts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clients: Pick<LoadedClients, 'current'>;
  /** What clients may do. */
  readonly routes: readonly ClientRoute[];
}

const document = {
  title: 'AuthStack auth service, for services',
  problems: serviceProblems,
  securitySchemes: clientSchemes,
};

/** A verifier acknowledges over one connection, and an acknowledgement may be late. */
const KEPT_FOR: Millis = 3 * feedApi.acknowledgeEvery;

type ServiceGates = Gate<'public', undefined> & Gate<'client', Client>;

/** For the services that verify the stack's tokens; none where an older operator gives no clients or no certificate. */
export function servicesListener(ports: ServicesPorts): Pick<HttpServiceOptions, 'services'> {
  const { settings, clock, log, metrics, clients } = ports;
  const { operatorTlsDir: tlsDir, clients: clientsFile } = settings.files;
  if (tlsDir === undefined || clientsFile === undefined) return {};
  const gates: ServiceGates = {
    public: () => undefined,
    client: clientAuthentication({ clients: clients.current, settings, clock, log, metrics }),
  };
  const app = createPublicApp({
    log,
    duration: metrics.serviceDuration,
    origin: () => settings.issuer,
    problems: serviceProblems,
    // Each verifier does so every five seconds.
    quiet: [authContract.acknowledgePath],
    mount: (app) => app.use(routerOf(documented(ports.routes, document), { gates, clock })),
  });
  return { services: { tlsDir, app, keptFor: KEPT_FOR } };
}
