import { builtPage } from '@authstack/http-service/built-page';
import { problemHandlers } from '@authstack/http-service/problems';
import { requestLog, requestMetrics } from '@authstack/http-service/request-log';
import { securityHeaders } from '@authstack/http-service/security-headers';
import express from 'express';
import type { Express } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { cookieNames } from '../api.ts';
import type { Settings } from '../environment.ts';
import { problems } from '../errors.ts';
import { openApiDocument } from '../http/openapi.ts';
import { route, routerOf } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { keyRoutes } from '../keys/routes.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Passwords } from '../passwords/passwords.ts';
import { createCookies } from '../sessions/cookies.ts';
import type { SessionPorts } from '../sessions/grant.ts';
import { identify } from '../sessions/identify.ts';
import { sessionRoutes } from '../sessions/routes.ts';
import { signUpRoutes } from '../sign-up/routes.ts';
import type { SignUpPorts } from '../sign-up/sign-up.ts';

export interface PublicPorts {
  readonly settings: Settings;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly ring: () => KeyRing | undefined;
  readonly session: SessionPorts;
  readonly passwords: Passwords;
  readonly atomically: SignUpPorts['atomically'];
}

/** For browsers and API clients, behind the Ingress. */
export function publicListener(ports: PublicPorts): Express {
  const { settings, log, metrics, session } = ports;
  const { issuer: origin } = settings;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('trust proxy', [...settings.trustedProxies]);

  app.use(
    requestLog(log),
    requestMetrics(metrics.httpDuration),
    securityHeaders(() => origin),
  );
  app.use('/api', (_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });
  const identifying = { session, cookies: createCookies(settings), origin };
  app.use(
    routerOf(publicRoutes(ports), {
      public: () => undefined,
      session: (request) => identify(request, identifying),
    }),
  );
  if (settings.files.signInDir !== undefined) app.use(builtPage(settings.files.signInDir));

  const { notFound, errorHandler } = problemHandlers(problems);
  app.use(notFound, errorHandler);
  return app;
}

/** Every operation of the listener; the document of them is one of them. */
export function publicRoutes(ports: PublicPorts): readonly Route<'public' | 'session'>[] {
  const { settings, metrics, ring, session, passwords, atomically } = ports;
  const { issuer, jwksMaxAge, passwordMinLength } = settings;
  const cookies = createCookies(settings);
  const signUp = { ...session, passwords, atomically };
  const routes: readonly Route<'public' | 'session'>[] = [
    ...signUpRoutes({ signUp, cookies, origin: issuer, passwordMinLength, metrics }),
    ...sessionRoutes({ session, passwords, cookies, origin: issuer, metrics }),
    ...keyRoutes({ ring, issuer, jwksMaxAge }),
    route({
      method: 'get',
      path: '/openapi.json',
      access: 'public',
      summary: 'This document',
      reply: { status: 200, schema: z.looseObject({}) },
      problems: [],
      handle({ response }) {
        response.set('cache-control', 'no-cache');
        return { ...document };
      },
    }),
  ];
  const document = openApiDocument(routes, { issuer, cookies: cookieNames(settings) });
  return routes;
}
