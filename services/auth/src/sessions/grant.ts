import { randomBytes } from 'node:crypto';
import type { Clock, Millis } from '@authstack/http-service/clock';
import type { Secrets } from '../secrets/secrets.ts';
import type { AccessTokens, IssuedToken } from '../tokens/access-token.ts';
import type { Refusal } from '../tokens/may-hold-token.ts';
import { whyNoToken } from '../tokens/may-hold-token.ts';
import type { User, UserStore } from '../users/user.ts';
import { SessionInvalid, UserBanned, UserDisabled } from './errors.ts';
import type { Delivery, Session, SessionStore } from './session.ts';
import type { SessionToken } from './session-token.ts';
import { hashOf, newSessionToken } from './session-token.ts';

/** What a client takes away from a sign-in or a refresh. */
export interface Grant {
  readonly user: User;
  readonly session: Session;
  readonly access: IssuedToken;
  readonly sessionToken: SessionToken;
}

/** What the use cases of sessions work with; made in one place, at start. */
export interface SessionPorts {
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly accessTokens: AccessTokens;
  readonly secrets: () => Secrets | undefined;
  readonly clock: Clock;
  readonly settings: { readonly sessionTtl: Millis; readonly sessionIdleTtl: Millis };
  readonly audit: Audit;
}

/** Told of what a reviewer wants to find again; knows nothing of requests. */
export type Audit = (event: 'session-reused', of: { readonly userId: string; readonly sessionId: string }) => void;

export interface Device {
  readonly delivery: Delivery;
  readonly userAgent?: string | undefined;
}

/** The tail of every sign-in: whoever gets here has proven who they are. */
export async function openSession(user: User, device: Device, ports: SessionPorts): Promise<Grant> {
  const now = ports.clock.now();
  const { sessionTtl, sessionIdleTtl } = ports.settings;
  const session: Session = {
    id: randomBytes(16).toString('base64url'),
    userId: user.id,
    ver: user.ver,
    delivery: device.delivery,
    openedAt: now,
    lastUsedAt: now,
    expiresAt: now + sessionTtl,
    idleExpiresAt: now + Math.min(sessionIdleTtl, sessionTtl),
    ...(device.userAgent !== undefined && { userAgent: device.userAgent.slice(0, 256) }),
  };
  const refusal = whyNoToken({ user, session, now });
  if (refusal) throw asError(refusal);

  // The token is signed first: a session that nobody could use is never stored.
  const access = ports.accessTokens.issue(user, session);
  const sessionToken = newSessionToken();
  await ports.sessions.open(session, hashOf(sessionToken));
  return { user, session, access, sessionToken };
}

function asError(refusal: Refusal): Error {
  switch (refusal) {
    case 'UserBanned':
      return new UserBanned();
    case 'UserDisabled':
      return new UserDisabled();
    case 'UserGone':
    case 'SessionGone':
    case 'SessionEnded':
    case 'TokenSuperseded':
      return new SessionInvalid();
  }
}
