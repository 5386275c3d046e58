import type { IncomingHttpHeaders } from 'node:http';
import type { Clock, Millis } from '@authstack/http-service/clock';
import type { Logger } from 'pino';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { NotReady } from '../errors.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { checkClientSecret } from './client-secret.ts';
import type { Client, Clients } from './clients.ts';
import { credentialsOf } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { InvalidClient } from './errors.ts';
import { checkServiceAccountToken } from './service-account-token.ts';

export interface AuthenticationPorts {
  /** Asked for each request: who has been withdrawn is refused at the next one. */
  readonly clients: () => Clients | undefined;
  readonly settings: { readonly issuer: string; readonly clockSkew: Millis };
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'clientsRefused'>;
}

interface Arrival {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Of one client and reason one line a minute: a flood must not flood the log. */
const AUDIT_EVERY_SECONDS = 60;

/** Which client asks; throws InvalidClient where it is none. */
export function clientAuthentication(ports: AuthenticationPorts): (request: Arrival) => Promise<Client> {
  const { clients, log, metrics } = ports;
  const audited = new RateLimiterMemory({ points: 1, duration: AUDIT_EVERY_SECONDS });

  async function audit({ reason, message }: InvalidClient, request: Arrival, client: string): Promise<void> {
    metrics.clientsRefused.inc({ reason });
    const isNew = await audited.consume(`${reason} ${client}`).then(
      () => true,
      () => false,
    );
    const { remoteAddress: from } = request.socket;
    if (isNew) log.warn({ audit: 'client-refused', reason, client, from, detail: message }, 'security event');
  }

  return async (request) => {
    const known = clients();
    if (!known) throw new NotReady('the clients are');
    let client: Client | undefined;
    try {
      const credentials = credentialsOf(request.headers);
      client = namedBy(credentials, known);
      check(client, { credentials, known }, ports);
      return client;
    } catch (error) {
      // Only ids that are known: whoever invents others must not fill the memory.
      if (error instanceof InvalidClient) await audit(error, request, client?.id ?? 'unknown');
      throw error;
    }
  };
}

function namedBy({ id }: Credentials, { byId }: Clients): Client {
  const client = byId.get(id);
  if (client) return client;
  const [namespace = '', name = ''] = id.split('/');
  throw new InvalidClient(
    'unknown_client',
    `no client ${id} consents now; see kubectl -n ${namespace} describe authconsumer ${name}`,
  );
}

interface Shown {
  readonly credentials: Credentials;
  readonly known: Clients;
}

function check(client: Client, { credentials, known }: Shown, { settings, clock }: AuthenticationPorts): void {
  const { id, serviceAccount, secrets } = client;
  const { issuer, clockSkew } = settings;
  if (credentials.kind === 'secret') {
    if (secrets.length > 0) {
      checkClientSecret(credentials.secret, client, clock.now());
      return;
    }
    const { namespace, name } = serviceAccount ?? {};
    throw new InvalidClient(
      'secret_not_accepted',
      `${id} has no client secret: it shows a token of ServiceAccount ${namespace}/${name} for the audience ${issuer}`,
    );
  }
  if (!serviceAccount) {
    throw new InvalidClient(
      'token_not_accepted',
      `${id} names no ServiceAccount: set spec.identity.serviceAccountName of the AuthConsumer, or show its client secret`,
    );
  }
  if (!known.cluster) {
    throw new InvalidClient(
      'cluster_unknown',
      "the operator has not brought the cluster's keys, so no token of a ServiceAccount can be checked: it needs the right to get /openid/v1/jwks and /.well-known/openid-configuration",
    );
  }
  const expected = { cluster: known.cluster, audience: issuer, serviceAccount, clockSkew, now: clock.now() };
  checkServiceAccountToken(credentials.token, expected);
}
