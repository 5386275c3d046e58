import type { Clock } from '@authstack/http-service/clock';
import { createPublicApp } from '@authstack/http-service/public-app';
import type { HttpServiceOptions } from '@authstack/http-service/service';
import type { Logger } from 'pino';
import { z } from 'zod';
import { authContract } from '../api.ts';
import { clientAuthentication } from '../clients/authenticate.ts';
import type { ClientRoute } from '../clients/client-route.ts';
import type { Client } from '../clients/clients.ts';
import type { LoadedClients } from '../clients/loaded-clients.ts';
import type { Settings } from '../environment.ts';
import { serviceProblems } from '../errors.ts';
import { clientSchemes, openApiDocument } from '../http/openapi.ts';
import { publicRoute, routerOf } from '../http/route.ts';
import type { Gate, PublicRoute } from '../http/route.ts';
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
    mount: (app) => app.use(routerOf(documented(ports.routes), { gates, clock })),
  });
  return { services: { tlsDir, app } };
}

/** With the document of them, which is for everybody who can reach the port. */
function documented(routes: readonly ClientRoute[]): readonly (ClientRoute | PublicRoute)[] {
  const withDocument = [
    ...routes,
    publicRoute({
      method: 'get',
      path: '/openapi.json',
      summary: 'This document',
      reply: { status: 200, schema: z.looseObject({}) },
      problems: [],
      handle({ response }) {
        response.set('cache-control', 'no-cache');
        return { ...document };
      },
    }),
  ];
  const document = openApiDocument(withDocument, {
    title: 'AuthStack auth service, for services',
    problems: serviceProblems,
    securitySchemes: clientSchemes,
  });
  return withDocument;
}
