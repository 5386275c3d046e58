import type { Millis } from '@authstack/http-service/clock';
import type { Secrets } from '../secrets/secrets.ts';
import type { AccessTokens, IssuedToken } from '../tokens/access-token.ts';
import type { JudgedSession, Refusal } from '../tokens/may-hold-token.ts';
import { whyNoToken } from '../tokens/may-hold-token.ts';
import type { User, UserStore } from '../users/user.ts';
import { SessionInvalid, UserBanned, UserDisabled } from './errors.ts';
import type { Delivery, Session, SessionStore } from './session.ts';
import type { SessionToken } from './session-token.ts';
import { hashOf, newSessionToken, sessionIdOf } from './session-token.ts';

/** What a client takes away from a sign-in or a refresh. */
export interface Grant {
  readonly user: User;
  readonly session: Session;
  readonly access: IssuedToken;
  readonly sessionToken: SessionToken;
}

/**
 * What the use cases of sessions work with; made in one place, at start. There is no clock among them: the database's alone
 * sets and judges the times of sessions.
 */
export interface SessionPorts {
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly accessTokens: AccessTokens;
  readonly secrets: () => Secrets | undefined;
  readonly settings: { readonly sessionTtl: Millis; readonly sessionIdleTtl: Millis };
  readonly audit: Audit;
}

/** Told of what a reviewer wants to find again; knows nothing of requests. */
export type Audit = (event: AuditEvent, of: { readonly userId: string; readonly sessionId: string }) => void;
export type AuditEvent = 'session-reused' | 'session-limit';

export interface Device {
  readonly delivery: Delivery;
  readonly userAgent?: string | undefined;
}

/** The tail of every sign-in: whoever gets here has proven who they are. */
export function openSession(user: User, device: Device, ports: SessionPorts): Promise<Grant> {
  return sessionOpener(device, ports)(user);
}

/** Opens the same session however often it is called. */
export function sessionOpener(device: Device, ports: SessionPorts): (user: User) => Promise<Grant> {
  const sessionToken = newSessionToken();
  return (user) => open(user, { device, sessionToken }, ports);
}

interface First {
  readonly device: Device;
  readonly sessionToken: SessionToken;
}

async function open(user: User, { device, sessionToken }: First, ports: SessionPorts): Promise<Grant> {
  const { sessionTtl: ttl, sessionIdleTtl: idleTtl } = ports.settings;
  const refusal = whyNoToken({ user, session: aboutToOpen(user, ports.settings) });
  if (refusal) throw asError(refusal);
  const id = sessionIdOf(sessionToken);
  ports.accessTokens.mustFit(user, { id, delivery: device.delivery });

  const session = await ports.sessions.open({
    id,
    first: hashOf(sessionToken),
    userId: user.id,
    ver: user.ver,
    delivery: device.delivery,
    userAgent: device.userAgent?.slice(0, 256),
    ttl,
    idleTtl,
  });
  return { user, session, access: ports.accessTokens.issue(user, session), sessionToken };
}

/** As it will be at its first moment. */
function aboutToOpen({ id, ver }: User, { sessionTtl, sessionIdleTtl }: SessionPorts['settings']): JudgedSession {
  return { userId: id, ver, asOf: 0, expiresAt: sessionTtl, idleExpiresAt: sessionIdleTtl };
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
