import { NotReady } from '../errors.ts';
import type { KeySet } from '../secrets/secrets.ts';
import { whyNoToken } from '../tokens/may-hold-token.ts';
import { SessionInvalid } from './errors.ts';
import type { Grant, SessionPorts } from './grant.ts';
import { present } from './present.ts';
import type { Delivery } from './session.ts';
import type { SessionToken } from './session-token.ts';
import { childOf, hashOf } from './session-token.ts';

/**
 * A fresh access token and the session's next token; the same next token however often and wherever it is asked for. Two steps
 * of the database: the session moves, then its user is read, so what ended the one or the other before is not granted.
 */
export async function refresh(token: SessionToken, delivery: Delivery, ports: SessionPorts): Promise<Grant> {
  const keys = ports.secrets()?.refresh;
  if (!keys) throw new NotReady('the refresh key is');
  const proposed = { hash: hashOf(childOf(token, keys.current)), keyId: keys.current.id };

  const { session, keyId } = await present(token, { delivery, proposed }, ports);
  const user = await ports.users.find(session.userId);
  if (!user || whyNoToken({ user, session })) throw new SessionInvalid();
  return {
    user,
    session,
    access: ports.accessTokens.issue(user, session),
    sessionToken: keyId === undefined ? token : derived(token, keyId, keys),
  };
}

/** A key that another replica uses and this one lacks is on its way here: no reason to sign anybody out. */
function derived(token: SessionToken, keyId: string, keys: KeySet): SessionToken {
  const key = keys.find(keyId);
  if (!key) throw new NotReady(`the refresh key ${keyId} is`);
  return childOf(token, key);
}
