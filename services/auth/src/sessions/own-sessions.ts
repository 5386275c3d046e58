import type { SessionPorts } from './grant.ts';
import { whyNoToken } from '../tokens/may-hold-token.ts';
import type { User } from '../users/user.ts';
import { SessionNotFound } from './errors.ts';
import type { Actor } from './present.ts';
import type { Session, SessionId } from './session.ts';

/** So many open sessions a user may have. */
export const MOST_OPEN = 100;
/** Where many too many are left from before, each sign-in ends some. */
const ENDED_AT_ONCE = 20;

/** The newest first; the one that asks is always among them. */
export async function listSessions({ user, session }: Actor, { sessions }: SessionPorts): Promise<readonly Session[]> {
  const found = await sessions.openOf(user, MOST_OPEN);
  const open = found.filter((each) => !whyNoToken({ user, session: each }));
  if (open.some(({ id }) => id === session.id)) return open;
  return [...open.slice(0, MOST_OPEN - 1), session];
}

export async function endSession(id: SessionId, { user }: Actor, { sessions }: SessionPorts): Promise<void> {
  const held = await sessions.find(id);
  if (!held || whyNoToken({ user, session: held.session })) throw new SessionNotFound();
  await sessions.end(id, 'ended-by-user');
}

/** After a sign-in: what exceeds the bound ends, whatever was unused for the longest first. */
export async function endLeastUsed(user: User, { sessions, audit }: SessionPorts): Promise<void> {
  if (!(await sessions.isBeyond(user.id, MOST_OPEN))) return;
  const exceeding = await sessions.leastUsedOf(user.id, { keep: MOST_OPEN, limit: ENDED_AT_ONCE });
  await Promise.all(
    exceeding.map(async (session) => {
      const ended = await sessions.end(session.id, 'too-many');
      // One that nobody could use any more is no loss.
      if (ended && !whyNoToken({ user, session })) audit('session-limit', { userId: user.id, sessionId: session.id });
    }),
  );
}
