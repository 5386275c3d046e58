import type { Millis } from '@authstack/http-service/clock';
import { whyNoToken } from '../tokens/may-hold-token.ts';
import type { User } from '../users/user.ts';
import { tokenStateOf } from './chain.ts';
import { SessionInvalid, SessionReused } from './errors.ts';
import type { SessionPorts } from './grant.ts';
import type { Delivery, Session, StoredToken } from './session.ts';
import type { SessionToken } from './session-token.ts';
import { hashOf } from './session-token.ts';

/** Somebody whose session holds. */
export interface Actor {
  readonly user: User;
  readonly session: Session;
}

export interface Presented extends Actor {
  readonly token: StoredToken;
}

/** A use within this span of the last one is not written down. */
const TOUCH_EVERY: Millis = 60_000;

/** Every request that shows a session token passes here, so that a replaced token is noticed wherever it turns up. */
export async function present(token: SessionToken, delivery: Delivery, ports: SessionPorts): Promise<Presented> {
  const { sessions, clock } = ports;
  const stored = await sessions.findToken(hashOf(token));
  if (!stored) throw new SessionInvalid();
  const [session, child] = await Promise.all([
    sessions.find(stored.sessionId),
    stored.successor && sessions.findToken(stored.successor.hash),
  ]);
  if (session?.delivery !== delivery) throw new SessionInvalid();

  const now = clock.now();
  if (tokenStateOf(child, now) === 'reused') {
    const ended = await sessions.end(session.id, { at: now, reason: 'reuse' });
    if (ended) ports.audit('session-reused', { userId: session.userId, sessionId: session.id });
    throw new SessionReused();
  }

  const user = await ports.users.find(session.userId);
  if (!user || whyNoToken({ user, session, now })) throw new SessionInvalid();
  if (stored.presentedAt === undefined) await sessions.markPresented(stored.hash, now);
  return { user, session, token: stored };
}

/** A request that only uses the session: it keeps it from idling out. */
export async function useSession(token: SessionToken, delivery: Delivery, ports: SessionPorts): Promise<Presented> {
  const presented = await present(token, delivery, ports);
  const { session } = presented;
  const { sessionIdleTtl } = ports.settings;
  const at = ports.clock.now();
  if (at - session.lastUsedAt >= Math.min(TOUCH_EVERY, sessionIdleTtl / 10)) {
    await ports.sessions.touch(session.id, { at, idleExpiresAt: Math.min(at + sessionIdleTtl, session.expiresAt) });
  }
  return presented;
}
