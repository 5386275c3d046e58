import { builtPage } from '@authstack/http-service/built-page';
import { problemHandlers } from '@authstack/http-service/problems';
import { requestLog, requestMetrics } from '@authstack/http-service/request-log';
import { securityHeaders } from '@authstack/http-service/security-headers';
import express from 'express';
import type { Express } from 'express';
import type { Logger } from 'pino';
import type { Settings } from './environment.ts';
import { problems } from './errors.ts';
import { createCookies } from './http/cookies.ts';
import { jsonBody } from '@authstack/http-service/json-body';
import { openApiDocument } from './http/openapi.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { keyRoutes } from './keys/routes.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Passwords } from './passwords/passwords.ts';
import type { SessionPorts } from './sessions/grant.ts';
import { sessionRoutes } from './sessions/routes.ts';
import type { SignUpPorts } from './users/sign-up.ts';

export interface AppPorts {
  readonly settings: Settings;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly ring: () => KeyRing | undefined;
  readonly session: SessionPorts;
  readonly passwords: Passwords;
  readonly atomically: SignUpPorts['atomically'];
}

/** The public listener. */
export function createApp({ settings, log, metrics, ring, session, passwords, atomically }: AppPorts): Express {
  const { issuer, jwksMaxAge, passwordMinLength, trustedProxies } = settings;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('trust proxy', [...trustedProxies]);

  app.use(
    requestLog(log),
    requestMetrics(metrics.httpDuration),
    securityHeaders(() => issuer),
  );

  app.use('/api', (_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });
  app.use(jsonBody({ limit: '16kb' }));
  const cookies = createCookies(settings);
  const ports = { session, passwords, atomically, cookies, origin: issuer, metrics, passwordMinLength };
  app.use('/api/users', sessionRoutes(ports));
  app.use('/.well-known', keyRoutes({ ring, issuer, jwksMaxAge }));

  const openApi = openApiDocument({ issuer, cookies, passwordMinLength });
  app.get('/openapi.json', (_request, response) => {
    response.set('cache-control', 'no-cache').json(openApi);
  });
  if (settings.files.signInDir !== undefined) app.use(builtPage(settings.files.signInDir));

  const { notFound, errorHandler } = problemHandlers(problems);
  app.use(notFound, errorHandler);
  return app;
}
