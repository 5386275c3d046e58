import type { RequestListener } from 'node:http';
import { builtPage } from '@authstack/http-service/built-page';
import type { PageMeta } from '@authstack/http-service/built-page';
import type { Clock } from '@authstack/http-service/clock';
import { createPublicApp } from '@authstack/http-service/public-app';
import type { Logger } from 'pino';
import { cookieNames } from '../api.ts';
import type { Settings } from '../environment.ts';
import { problems } from '../errors.ts';
import { documented } from '../http/documented.ts';
import { sessionSchemes } from '../http/openapi.ts';
import { routerOf } from '../http/route.ts';
import type { Gate, PublicRoute } from '../http/route.ts';
import { keyDocuments } from '../keys/documents.ts';
import type { KeyDocuments } from '../keys/documents.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { keyRoutes } from '../keys/routes.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { applicants } from '../passwords/applicant.ts';
import type { Passwords } from '../passwords/passwords.ts';
import { createCookies } from '../sessions/cookies.ts';
import type { SessionPorts } from '../sessions/grant.ts';
import { identify } from '../sessions/identify.ts';
import type { Actor } from '../sessions/present.ts';
import { sessionRoutes } from '../sessions/routes.ts';
import type { SessionRoute } from '../sessions/session-route.ts';
import { signUpRoutes } from '../sign-up/routes.ts';
import type { SignUpPorts } from '../sign-up/sign-up.ts';
import { clientAddresses } from '../throttles/client-address.ts';
import type { Throttles } from '../throttles/throttles.ts';

export interface PublicPorts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly ring: () => KeyRing | undefined;
  readonly session: SessionPorts;
  readonly passwords: Passwords;
  readonly throttles: Throttles;
  readonly signUp: Pick<SignUpPorts, 'atomically' | 'newUserId'>;
}

type PublicGates = Gate<'public', undefined> & Gate<'session', Actor>;

/** For browsers and API clients, behind the Ingress. */
export function publicListener(ports: PublicPorts): RequestListener {
  const { settings, clock, log, metrics, ring, session } = ports;
  const { issuer: origin, jwksMaxAge } = settings;
  const documents = keyDocuments({ ring, issuer: origin, jwksMaxAge });
  const identifying = { session, cookies: createCookies(settings), origin };
  const gates: PublicGates = {
    public: () => undefined,
    session: (request) => identify(request, identifying),
  };
  return createPublicApp({
    log,
    duration: metrics.httpDuration,
    origin: () => origin,
    problems,
    documents,
    mount(app) {
      app.use(routerOf(publicRoutes(ports, documents), { gates, clock }));
      if (settings.files.signInDir !== undefined) app.use(builtPage(settings.files.signInDir, pageMeta(settings)));
    },
  });
}

/** What the sign-in page reads: `web/sign-in/src/page-settings.ts`. */
function pageMeta({ page, passwordMinLength }: Settings): PageMeta {
  return { 'authstack-page': JSON.stringify({ ...page, passwordMinLength }) };
}

/** Every operation of the listener; the document of them is one of them. */
function publicRoutes(ports: PublicPorts, documents: KeyDocuments): readonly (PublicRoute | SessionRoute)[] {
  const { settings, metrics, session, passwords, throttles } = ports;
  const { issuer, passwordMinLength, trustedProxies } = settings;
  const clientAddressOf = clientAddresses(trustedProxies);
  const applicantOf = applicants({
    prefixOf: (request) => clientAddressOf(request).prefix,
    isKnownDevice: (request, account) => throttles.knows({ request, account }),
  });
  const cookies = createCookies(settings);
  const signUp = { ...session, passwords, ...ports.signUp };
  const routes: readonly (PublicRoute | SessionRoute)[] = [
    ...signUpRoutes({ signUp, applicantOf, cookies, origin: issuer, passwordMinLength, metrics, throttles }),
    ...sessionRoutes({ session, passwords, applicantOf, cookies, origin: issuer, metrics, throttles }),
    ...keyRoutes(documents),
  ];
  return documented(routes, {
    title: 'AuthStack auth service',
    server: issuer,
    problems,
    securitySchemes: sessionSchemes(cookieNames(settings)),
  });
}
