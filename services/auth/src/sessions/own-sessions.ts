import type { SessionPorts } from './grant.ts';
import { whyNoToken } from '../tokens/may-hold-token.ts';
import { SessionNotFound } from './errors.ts';
import type { Actor } from './present.ts';
import type { Session, SessionId } from './session.ts';

export async function listSessions({ user }: Actor, ports: SessionPorts): Promise<readonly Session[]> {
  const now = ports.clock.now();
  const sessions = await ports.sessions.listOf(user.id);
  return sessions.filter((session) => !whyNoToken({ user, session, now }));
}

export async function endSession(id: SessionId, { user }: Actor, ports: SessionPorts): Promise<void> {
  const session = await ports.sessions.find(id);
  const now = ports.clock.now();
  if (!session || whyNoToken({ user, session, now })) throw new SessionNotFound();
  await ports.sessions.end(id, { at: now, reason: 'ended-by-user' });
}
