import type { Millis } from '@authstack/http-service/clock';
import { whyNoToken } from '../tokens/may-hold-token.ts';
import type { User } from '../users/user.ts';
import { SessionInvalid, SessionReused } from './errors.ts';
import type { SessionPorts } from './grant.ts';
import type { Delivery, Session, Shown, Step } from './session.ts';
import type { SessionToken } from './session-token.ts';
import { hashOf, sessionIdOf } from './session-token.ts';

/** Somebody whose session holds. */
export interface Actor {
  readonly user: User;
  readonly session: Session;
}

/** A use within this span of the last one is not written down. */
const TOUCH_EVERY: Millis = 60_000;

/** Every session token that is shown and moves its chain passes here, so that a replaced one is noticed wherever it turns up. */
export async function present(
  token: SessionToken,
  how: Pick<Shown, 'delivery' | 'proposed'>,
  { sessions, settings, audit }: SessionPorts,
): Promise<Extract<Step, { readonly state: 'in-force' }>> {
  const step = await sessions.show({
    id: sessionIdOf(token),
    hash: hashOf(token),
    idleTtl: settings.sessionIdleTtl,
    ...how,
  });
  if (!step) throw new SessionInvalid();
  if (step.state === 'reused') {
    // Of several that show it at once only one meets a session that is open, so this is told once.
    audit('session-reused', { userId: step.session.userId, sessionId: step.session.id });
    throw new SessionReused();
  }
  return step;
}

/** A request that only uses the session: it keeps it from idling out. One read, and a write where there is something to record. */
export async function useSession(token: SessionToken, delivery: Delivery, ports: SessionPorts): Promise<Actor> {
  const held = await ports.sessions.find(sessionIdOf(token));
  if (!held?.user || held.session.delivery !== delivery || whyNoToken(held)) throw new SessionInvalid();
  const { user, session, newest } = held;
  if (newest === hashOf(token) && !isUseDue(session, ports.settings.sessionIdleTtl)) return { user, session };
  return { user, session: (await present(token, { delivery }, ports)).session };
}

function isUseDue({ asOf, lastUsedAt }: Session, idleTtl: Millis): boolean {
  return asOf - lastUsedAt >= Math.min(TOUCH_EVERY, idleTtl / 10);
}
