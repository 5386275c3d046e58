import { NotReady } from '../errors.ts';
import type { SecretKey } from '../secrets/secrets.ts';
import { SessionInvalid } from './errors.ts';
import type { Grant, SessionPorts } from './grant.ts';
import { present } from './present.ts';
import type { Presented } from './present.ts';
import type { Delivery } from './session.ts';
import type { SessionToken } from './session-token.ts';
import { childOf, hashOf } from './session-token.ts';

/** A fresh access token and the session's next token; the same next token however often and wherever it is asked for. */
export async function refresh(token: SessionToken, delivery: Delivery, ports: SessionPorts): Promise<Grant> {
  const presented = await present(token, delivery, ports);
  const { user, session } = presented;
  const access = ports.accessTokens.issue(user, session);
  const sessionToken = await successorOf(token, presented, ports);

  // Last, and only while the session is open: a sign-out at the same moment wins.
  const at = ports.clock.now();
  const idleExpiresAt = Math.min(at + ports.settings.sessionIdleTtl, session.expiresAt);
  if (!(await ports.sessions.touch(session.id, { at, idleExpiresAt }))) throw new SessionInvalid();
  return { user, session: { ...session, lastUsedAt: at, idleExpiresAt }, access, sessionToken };
}

async function successorOf(token: SessionToken, presented: Presented, ports: SessionPorts): Promise<SessionToken> {
  const refreshKeys = ports.secrets()?.refresh;
  if (!refreshKeys) throw new NotReady('the refresh key is');
  const derive = (key: SecretKey): SessionToken => childOf(token, key);

  const proposed = derive(refreshKeys.current);
  const settled =
    presented.token.successor ??
    (await ports.sessions.settleSuccessor(presented.token.hash, {
      hash: hashOf(proposed),
      keyId: refreshKeys.current.id,
    }));
  const key = settled && refreshKeys.find(settled.keyId);
  if (!key) throw new SessionInvalid();

  const child = derive(key);
  // Also when the successor was settled before: whoever settled it may have died before this write.
  await ports.sessions.addToken(hashOf(child), presented.session);
  return child;
}
