import { authContract } from '../api.ts';
import { clientRoute } from '../clients/client-route.ts';
import type { ClientRoute } from '../clients/client-route.ts';
import type { Client } from '../clients/clients.ts';
import { hangUpOf } from '../http/hang-up.ts';
import { counted } from '../metrics/counted.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { ClientRenewals } from '../throttles/client-renewals.ts';
import { AudienceRefused, InlineRefreshOff, SessionInvalid } from './errors.ts';
import type { SessionPorts } from './grant.ts';
import { renew } from './renew.ts';
import type { Renewed } from './renew.ts';
import { renewalReply, renewalRequest, unreadable } from './requests.ts';
import { asSessionToken, sessionIdOf } from './session-token.ts';

export interface ClientSessionPorts {
  readonly session: SessionPorts;
  readonly settings: { readonly inlineRefresh: boolean; readonly audiences: readonly string[] };
  readonly renewals: ClientRenewals;
  readonly metrics: Pick<Metrics, 'refreshes'>;
}

/** On the listener for services. */
export function clientSessionRoutes(ports: ClientSessionPorts): readonly ClientRoute[] {
  return [renewing(ports)];
}

function renewing({ session, settings, renewals, metrics }: ClientSessionPorts): ClientRoute {
  async function renewed(text: string, client: Client, signal: AbortSignal): Promise<Renewed> {
    if (!settings.inlineRefresh) throw new InlineRefreshOff();
    // Whoever cannot verify the new token would ask for the next one at once.
    if (!settings.audiences.includes(client.audience)) throw new AudienceRefused(client.audience);
    const token = asSessionToken(text);
    if (!token) throw new SessionInvalid();
    const by = { client: client.id, session: sessionIdOf(token), signal };
    return renewals.admit(by, () => renew(token, session));
  }

  return clientRoute({
    method: 'post',
    path: authContract.refreshPath,
    summary: "A fresh access token for the session of the client's caller; the session's own tokens stay as they are",
    body: renewalRequest,
    reply: { status: 200, schema: renewalReply },
    problems: [
      ...unreadable,
      'SESSION_INVALID',
      'SESSION_REUSED',
      'INLINE_REFRESH_OFF',
      'AUDIENCE_REFUSED',
      'TOO_MANY_ATTEMPTS',
      'COOKIE_TOO_LARGE',
      'DATABASE_UNAVAILABLE',
    ],
    async handle({ response, caller, body }) {
      const { session_token: text } = body();
      const { access, sessionEndsIn } = await counted(metrics.refreshes, { done: 'refreshed' }, () =>
        renewed(text, caller, hangUpOf(response)),
      );
      return {
        access_token: access.token,
        token_type: 'Bearer' as const,
        expires_in: access.lifetime / 1000,
        session_expires_in: Math.ceil(sessionEndsIn / 1000),
      };
    },
  });
}
