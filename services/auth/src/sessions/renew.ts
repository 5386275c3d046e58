import type { Millis } from '@authstack/http-service/clock';
import type { IssuedToken } from '../tokens/access-token.ts';
import type { SessionPorts } from './grant.ts';
import { useSession } from './present.ts';
import type { SessionToken } from './session-token.ts';

export interface Renewed {
  readonly access: IssuedToken;
  /** So long the session lasts at most, and the cookie that the token is in. */
  readonly sessionEndsIn: Millis;
}

/**
 * A fresh access token for the caller of a service that shows its caller's session. The session's own tokens stay as they are:
 * a service never holds one that its caller does not. A token that was replaced long ago ends the session here, too.
 */
export async function renew(token: SessionToken, ports: SessionPorts): Promise<Renewed> {
  const { user, session } = await useSession(token, 'cookie', ports);
  return { access: ports.accessTokens.issue(user, session), sessionEndsIn: session.expiresAt - session.asOf };
}
