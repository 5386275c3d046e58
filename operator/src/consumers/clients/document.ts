import type { ClientsDocument } from '@authstack/auth-service/api';
import { refOf } from '../../runtime/objects.ts';
import type { StoredClient } from '../../stored/clients.ts';
import type { ClientsObservation, ConsentingClient } from './types.ts';

type Secrets = NonNullable<StoredClient['secrets']>;
type Content = Omit<ClientsDocument, 'version'>;

/** Who is to be let in. A suspended stack lets in nobody new, and no longer whoever has not consented any more. */
export function wantedClients(seen: ClientsObservation): Content {
  const { clients: before = [], cluster: toldBefore } = storedDocument(seen) ?? {};
  if (seen.stack.spec.suspend) {
    const consents = new Set(seen.consenting.map(({ id }) => id));
    const clients = before.filter(({ id }) => consents.has(id) || isUnseen(seen, id));
    return { ...(toldBefore && { cluster: toldBefore }), clients };
  }
  const known = new Map(before.map((client) => [client.id, client]));
  const kept = before.filter(({ id }) => isUnseen(seen, id));
  const clients = [...seen.consenting.flatMap((client) => entryOf(client, known.get(client.id), seen)), ...kept];
  const cluster = clusterIn(seen);
  return { ...(cluster && { cluster }), clients: clients.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

export function storedDocument({ stored }: ClientsObservation): ClientsDocument | undefined {
  return stored.state === 'value' ? stored.value.document : undefined;
}

function isUnseen({ unseenNamespaces, consenting }: ClientsObservation, id: string): boolean {
  return unseenNamespaces.includes(refOf(id).namespace ?? '') && !consenting.some((client) => client.id === id);
}

/** What was read once counts while the API server is away, also for an operator that has just started. */
function clusterIn({ cluster, ...seen }: ClientsObservation): Content['cluster'] {
  if (cluster === 'notAsked' || cluster.state === 'forbidden') return undefined;
  if (cluster.state === 'unreadable') return storedDocument({ ...seen, cluster })?.cluster;
  const { issuer, keys } = cluster;
  // As many as the auth service takes.
  return { issuer, keys: keys.slice(0, 64).map((key) => ({ ...key })) };
}

function entryOf(
  client: ConsentingClient,
  stored: StoredClient | undefined,
  seen: ClientsObservation,
): readonly StoredClient[] {
  const { id, audience, credential } = client;
  if (credential.type === 'secret') {
    // Without the key to derive them from, nothing is known to be another than what is stored.
    if (!credential.hashes) return stored?.secrets ? [{ id, audience, secrets: stored.secrets }] : [];
    return [{ id, audience, secrets: secretsOf(client, credential.hashes, { stored, seen }) }];
  }
  const { namespace, name, uid } = credential;
  const secrets = secretsOf(client, [], { stored, seen });
  const serviceAccount = uid === undefined ? {} : { serviceAccount: { namespace, name, uid } };
  if (uid === undefined && secrets.length === 0) return [];
  // It used a secret until now: pods that do not show a token yet are let in until their mounts are fresh.
  return [{ id, audience, ...serviceAccount, ...(secrets.length > 0 && { secrets }) }];
}

/** Those in force, and those that some pod of the consumer may still have mounted. */
function secretsOf(
  { held }: ConsentingClient,
  inForce: readonly string[],
  { stored, seen }: { readonly stored: StoredClient | undefined; readonly seen: ClientsObservation },
): Secrets {
  const { now, policy } = seen;
  // Of a client that the document has lost its copies tell what its pods have.
  const former: Secrets = stored ? (stored.secrets ?? []) : [...held].map((sha256) => ({ sha256 }));
  const ending = former
    .filter(({ sha256 }) => !inForce.includes(sha256))
    .flatMap(({ sha256, notAfter }): Secrets => {
      if (held.has(sha256)) return [{ sha256 }];
      if (notAfter === undefined) return [{ sha256, notAfter: endsAt(now + policy.volumeRefresh + policy.clockSkew) }];
      return now < Date.parse(notAfter) ? [{ sha256, notAfter }] : [];
    });
  return [...inForce.map((sha256) => ({ sha256 })), ...ending];
}

function endsAt(time: number): string {
  return new Date(time).toISOString();
}
