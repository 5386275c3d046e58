import { Router } from 'express';
import type { Request, Response } from 'express';
import { ServiceError } from '@authstack/http-service/errors';
import { deliveryOf, requireSameOrigin } from '../http/csrf.ts';
import { identify } from '../http/identify.ts';
import type { IdentifyPorts } from '../http/identify.ts';
import { parsed } from '@authstack/http-service/validation';
import type { Metrics } from '../metrics/metrics.ts';
import type { Passwords } from '../passwords/passwords.ts';
import { TokenInvalid } from '../tokens/access-token.ts';
import { signUp } from '../users/sign-up.ts';
import type { SignUpPorts } from '../users/sign-up.ts';
import { publicUser } from '../users/user.ts';
import { newPassword } from '../passwords/password.ts';
import { SessionInvalid, SessionReused } from './errors.ts';
import type { Device, Grant } from './grant.ts';
import { endSession, listSessions } from './own-sessions.ts';
import { refresh } from './refresh.ts';
import { bodyRefreshRequest, emptyRequest, sessionIdParameter, signInRequest, signOutQuery } from './requests.ts';
import type { SessionsReply, TokensReply } from './requests.ts';
import type { Delivery, Session } from './session.ts';
import { asSessionToken } from './session-token.ts';
import type { SessionToken } from './session-token.ts';
import { signIn } from './sign-in.ts';
import { signOut, signOutEverywhere } from './sign-out.ts';

export interface SessionRoutePorts extends IdentifyPorts {
  readonly passwords: Passwords;
  readonly atomically: SignUpPorts['atomically'];
  readonly metrics: Metrics;
  readonly passwordMinLength: number;
}

/** Everything below `/api/users`. */
export function sessionRoutes(ports: SessionRoutePorts): Router {
  const { session: sessionPorts, cookies, origin, metrics, passwords, atomically } = ports;
  const { clock } = sessionPorts;
  const signUpRequest = signInRequest.extend({ password: newPassword(ports.passwordMinLength) });

  function deliver(response: Response, grant: Grant): Response {
    cookies.set(response, grant, clock.now());
    return response;
  }

  return Router()
    .post('/signup', async (request, response) => {
      requireSameOrigin(request, origin);
      const grant = await counted(metrics.signUps, { done: 'signed_up' }, () =>
        signUp(parsed(signUpRequest, request.body), deviceOf(request, 'cookie'), {
          ...sessionPorts,
          passwords,
          atomically,
        }),
      );
      deliver(response, grant).status(201).json(publicUser(grant.user));
    })

    .post('/signin', async (request, response) => {
      const delivery = deliveryOf(request);
      if (delivery === 'cookie') requireSameOrigin(request, origin);
      const grant = await counted(metrics.signIns, { done: 'signed_in' }, () =>
        signIn(parsed(signInRequest, request.body), deviceOf(request, delivery), { ...sessionPorts, passwords }),
      );
      if (delivery === 'body') response.json(tokensOf(grant));
      else deliver(response, grant).json(publicUser(grant.user));
    })

    .post('/refresh', async (request, response) => {
      const delivery = deliveryOf(request);
      if (request.headers.authorization !== undefined) {
        throw new TokenInvalid('a session is refreshed by its own token');
      }
      if (delivery === 'body') {
        const { session_token: text } = parsed(bodyRefreshRequest, request.body);
        response.json(
          tokensOf(await counted(metrics.refreshes, { done: 'refreshed' }, () => refreshed(text, delivery))),
        );
        return;
      }
      const cookie = cookies.read(request);
      if (cookie !== undefined) requireSameOrigin(request, origin);
      parsed(emptyRequest, request.body);
      const grant = await counted(metrics.refreshes, { done: 'refreshed' }, () =>
        clearingCookies(response, () => refreshed(cookie, delivery)),
      );
      deliver(response, grant).json({ currentUser: publicUser(grant.user), expiresIn: grant.access.lifetime / 1000 });
    })

    .post('/signout', async (request, response) => {
      const { everywhere } = parsed(signOutQuery, request.query, { name: 'query' });
      parsed(emptyRequest, request.body);
      const isBearer = request.headers.authorization !== undefined;
      // Without a cookie nothing is cleared either: a foreign page must not be able to sign anybody out.
      if (!isBearer && !cookies.isShownBy(request)) {
        response.status(204).end();
        return;
      }
      if (!isBearer) requireSameOrigin(request, origin);
      const actor = await identify(request, ports).catch(nobodyIfEnded);
      if (actor) await (everywhere === 'true' ? signOutEverywhere : signOut)(actor, sessionPorts);
      if (!isBearer) cookies.clear(response);
      response.status(204).end();
    })

    .get('/currentuser', async (request, response) => {
      const actor = await identify(request, ports).catch(nobodyIfEnded);
      response.json({ currentUser: actor ? publicUser(actor.user) : null });
    })

    .get('/sessions', async (request, response) => {
      const actor = await identify(request, ports);
      const sessions = await listSessions(actor, sessionPorts);
      const reply: SessionsReply = { sessions: sessions.map((session) => shown(session, actor.session)) };
      response.json(reply);
    })

    .delete('/sessions/:id', async (request, response) => {
      const actor = await identify(request, ports);
      const { id } = parsed(sessionIdParameter, request.params, { name: 'path' });
      await endSession(id, actor, sessionPorts);
      if (id === actor.session.id && actor.session.delivery === 'cookie') cookies.clear(response);
      response.status(204).end();
    });

  async function refreshed(text: string | undefined, delivery: Delivery): Promise<Grant> {
    const token: SessionToken | undefined = text === undefined ? undefined : asSessionToken(text);
    if (!token) throw new SessionInvalid();
    return refresh(token, delivery, sessionPorts);
  }

  /** Cookies of a session that is surely over are taken away; when the database is away nobody is signed out. */
  async function clearingCookies<T>(response: Response, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SessionInvalid || error instanceof SessionReused) cookies.clear(response);
      throw error;
    }
  }
}

/** An ended session is nobody; everything else that goes wrong is told. */
function nobodyIfEnded(error: unknown): undefined {
  if (error instanceof SessionInvalid || error instanceof SessionReused) return undefined;
  throw error;
}

interface Outcomes {
  inc(labels: { outcome: string }): void;
}

async function counted<T>(counter: Outcomes, { done }: { done: string }, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    counter.inc({ outcome: done });
    return result;
  } catch (error) {
    counter.inc({ outcome: error instanceof ServiceError ? error.code.toLowerCase() : 'failed' });
    throw error;
  }
}

function deviceOf(request: Request, delivery: Delivery): Device {
  return { delivery, userAgent: request.headers['user-agent'] };
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
