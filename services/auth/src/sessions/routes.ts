import { parsed } from '@authstack/http-service/validation';
import type { Request } from 'express';
import { requirePage, requireSameOrigin } from '../http/csrf.ts';
import { publicRoute } from '../http/route.ts';
import type { PublicRoute } from '../http/route.ts';
import { counted } from '../metrics/counted.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { ApplicantOf } from '../passwords/applicant.ts';
import type { Passwords } from '../passwords/passwords.ts';
import type { Throttles } from '../throttles/throttles.ts';
import { TokenInvalid } from '../tokens/access-token.ts';
import { publicUser } from '../users/user.ts';
import type { Exchange } from './cookies.ts';
import { byDelivery, deliveryOf, deliveryParameter, deviceOf } from './delivery.ts';
import { SessionInvalid, SessionReused, TokenOutlived } from './errors.ts';
import type { Grant } from './grant.ts';
import { identify } from './identify.ts';
import type { IdentifyPorts } from './identify.ts';
import { endSession, listSessions } from './own-sessions.ts';
import { refresh } from './refresh.ts';
import {
  bodyRefreshRequest,
  currentUserReply,
  emptyRequest,
  refreshReply,
  sessionIdParameter,
  sessionsReply,
  signInRequest,
  signOutQuery,
  tokensReply,
  unreadable,
  userReply,
} from './requests.ts';
import type { SessionsReply, TokensReply } from './requests.ts';
import type { Delivery, Session } from './session.ts';
import { sessionRoute } from './session-route.ts';
import type { SessionRoute } from './session-route.ts';
import { asSessionToken } from './session-token.ts';
import { signIn } from './sign-in.ts';
import type { From } from './sign-in.ts';
import { signOut, signOutEverywhere } from './sign-out.ts';

export interface SessionRoutePorts extends IdentifyPorts {
  readonly passwords: Passwords;
  readonly applicantOf: ApplicantOf;
  readonly metrics: Metrics;
  readonly throttles: Throttles;
}

const ended = ['SESSION_INVALID', 'SESSION_REUSED', 'TOKEN_INVALID'] as const;

export function sessionRoutes(ports: SessionRoutePorts): readonly (PublicRoute | SessionRoute)[] {
  return [signingIn(ports), refreshing(ports), signingOut(ports), currentUser(ports), ...ownSessions(ports)];
}

function signingIn(ports: SessionRoutePorts): PublicRoute {
  const { session, passwords, applicantOf, cookies, origin, metrics, throttles } = ports;
  return publicRoute({
    method: 'post',
    path: '/api/users/signin',
    summary: 'Sign in',
    body: signInRequest,
    headers: [deliveryParameter],
    reply: { status: 200, schema: byDelivery({ cookie: userReply, body: tokensReply }) },
    problems: [
      ...unreadable,
      'INVALID_CREDENTIALS',
      'USER_BANNED',
      'USER_DISABLED',
      'CSRF_REJECTED',
      'BODY_DELIVERY_REFUSED',
      'TOO_MANY_ATTEMPTS',
      'OVERLOADED',
      'COOKIE_TOO_LARGE',
      'DATABASE_UNAVAILABLE',
      'NOT_READY',
    ],
    async handle({ request, response, body }) {
      const delivery = deliveryOf(request);
      if (delivery === 'cookie') requireSameOrigin(request, origin);
      const grant = await counted(metrics.signIns, { done: 'signed_in' }, () => {
        const credentials = body();
        const from: From = {
          device: deviceOf(request, delivery),
          applicant: applicantOf({ request, response }, credentials.email),
          throttle: (work) => throttles.signIn({ request, account: credentials.email }, work),
        };
        return signIn(credentials, from, { ...session, passwords });
      });
      if (delivery === 'body') return tokensOf(grant);
      cookies.set(grant, { request, response });
      throttles.remember({ request, response }, grant.user.email);
      return publicUser(grant.user);
    },
  });
}

function refreshing({ session, cookies, origin, metrics, throttles }: SessionRoutePorts): PublicRoute {
  const refreshed = (request: Request, text: string | undefined, delivery: Delivery): Promise<Grant> =>
    counted(metrics.refreshes, { done: 'refreshed' }, async () => {
      const token = text === undefined ? undefined : asSessionToken(text);
      if (!token) throw new SessionInvalid();
      await throttles.admit('refresh', request);
      return refresh(token, delivery, session);
    });

  /** Clears the cookies of a session that is known to have ended; while the database is down nobody is signed out. */
  async function clearingCookies<T>(exchange: Exchange, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isEnded(error)) cookies.clear(exchange);
      throw error;
    }
  }

  return publicRoute({
    method: 'post',
    path: '/api/users/refresh',
    // Its credential is the session token, by cookie or body; that of an ended session clears the cookies.
    credentials: ['session'],
    summary: "A fresh access token and the session's next token",
    body: byDelivery({ cookie: emptyRequest, body: bodyRefreshRequest }),
    headers: [deliveryParameter],
    reply: { status: 200, schema: byDelivery({ cookie: refreshReply, body: tokensReply }) },
    problems: [
      ...unreadable,
      ...ended,
      'CSRF_REJECTED',
      'BODY_DELIVERY_REFUSED',
      'TOO_MANY_ATTEMPTS',
      'COOKIE_TOO_LARGE',
      'DATABASE_UNAVAILABLE',
      'NOT_READY',
    ],
    async handle({ request, response }) {
      const delivery = deliveryOf(request);
      if (request.headers.authorization !== undefined) {
        throw new TokenInvalid('a session is refreshed by its own token');
      }
      if (delivery === 'body') {
        return tokensOf(await refreshed(request, parsed(bodyRefreshRequest, request.body).session_token, delivery));
      }
      const cookie = cookies.read(request);
      if (cookie !== undefined) requirePage(request, origin);
      parsed(emptyRequest, request.body);
      const grant = await clearingCookies({ request, response }, () => refreshed(request, cookie, delivery));
      cookies.set(grant, { request, response });
      return { currentUser: publicUser(grant.user), expiresIn: grant.access.lifetime / 1000 };
    },
  });
}

function signingOut(ports: SessionRoutePorts): PublicRoute {
  const { session, cookies, origin } = ports;
  return publicRoute({
    method: 'post',
    path: '/api/users/signout',
    // Idempotent, also without a session.
    credentials: ['session', 'bearer'],
    summary: 'End this session, or all of them',
    body: emptyRequest,
    query: signOutQuery,
    reply: { status: 204 },
    problems: [...unreadable, 'TOKEN_INVALID', 'CSRF_REJECTED', 'DATABASE_UNAVAILABLE'],
    async handle({ request, response, body, query }) {
      const { everywhere } = query();
      body();
      const isBearer = request.headers.authorization !== undefined;
      // Without a cookie nothing is cleared either: a foreign page must not be able to sign anybody out.
      if (!isBearer && !cookies.isShownBy(request)) return;
      if (!isBearer) requireSameOrigin(request, origin);
      // Of an access token, too, whose session has ended meanwhile: there is nothing left to do.
      const actor = await identify(request, ports).catch((error: unknown) => {
        if (!(error instanceof TokenOutlived)) nobodyIfEnded(error);
      });
      if (actor) await (everywhere === 'true' ? signOutEverywhere : signOut)(actor, session);
      if (!isBearer) cookies.clear({ request, response });
    },
  });
}

function currentUser(ports: SessionRoutePorts): PublicRoute {
  return publicRoute({
    method: 'get',
    path: '/api/users/currentuser',
    credentials: ['session', 'bearer'],
    summary: 'Who is signed in',
    reply: { status: 200, schema: currentUserReply },
    problems: ['TOKEN_INVALID', 'DATABASE_UNAVAILABLE'],
    async handle({ request }) {
      const actor = await identify(request, ports).catch(nobodyIfEnded);
      return { currentUser: actor ? publicUser(actor.user) : null };
    },
  });
}

function ownSessions({ session, cookies }: SessionRoutePorts): readonly SessionRoute[] {
  return [
    sessionRoute({
      method: 'get',
      path: '/api/users/sessions',
      summary: "The user's own open sessions",
      reply: { status: 200, schema: sessionsReply },
      problems: [...ended, 'DATABASE_UNAVAILABLE'],
      async handle({ caller }) {
        const sessions = await listSessions(caller, session);
        return { sessions: sessions.map((each) => shown(each, caller.session)) };
      },
    }),
    sessionRoute({
      method: 'delete',
      path: '/api/users/sessions/{id}',
      summary: "End one of the user's own sessions",
      parameters: sessionIdParameter,
      reply: { status: 204 },
      problems: ['VALIDATION_FAILED', ...ended, 'CSRF_REJECTED', 'SESSION_NOT_FOUND', 'DATABASE_UNAVAILABLE'],
      async handle({ request, response, caller, parameters }) {
        const { id } = parameters();
        await endSession(id, caller, session);
        if (id === caller.session.id && caller.session.delivery === 'cookie') cookies.clear({ request, response });
      },
    }),
  ];
}

function isEnded(error: unknown): boolean {
  return error instanceof SessionInvalid || error instanceof SessionReused;
}

/** An ended session counts as none; any other error stays one. */
function nobodyIfEnded(error: unknown): undefined {
  if (isEnded(error)) return undefined;
  throw error;
}

function tokensOf({ access, sessionToken }: Grant): TokensReply {
  return {
    access_token: access.token,
    token_type: 'Bearer',
    expires_in: access.lifetime / 1000,
    session_token: sessionToken,
  };
}

function shown(session: Session, current: Session): SessionsReply['sessions'][number] {
  return {
    id: session.id,
    openedAt: new Date(session.openedAt).toISOString(),
    lastUsedAt: new Date(session.lastUsedAt).toISOString(),
    expiresAt: new Date(session.expiresAt).toISOString(),
    ...(session.userAgent !== undefined && { userAgent: session.userAgent }),
    current: session.id === current.id,
  };
}
