import { readKeySet } from '@authstack/verify/foreign-token';
import type { KeySet } from '@authstack/verify/foreign-token';
import type { Millis } from '@authstack/http-service/clock';
import { clientsDocument } from '../api.ts';
import type { ClientsDocument } from '../api.ts';

/** A service that consents now, and how it shows that it is the one. */
export interface Client {
  /** `<namespace>/<name>` of its AuthConsumer. */
  readonly id: string;
  /** The audience of the tokens that it verifies. */
  readonly audience: string;
  readonly serviceAccount?: ServiceAccount;
  readonly secrets: readonly ClientSecret[];
}

/** Another text whenever what the client shows may be another: for whom to ask again, and not for comparing with what is shown. */
export function credentialOf({ serviceAccount, secrets }: Client): string {
  return JSON.stringify([serviceAccount, secrets.map(({ sha256 }) => sha256.toString('base64url'))]);
}

export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
  /** Of this one, and of no later one of the same name. */
  readonly uid: string;
}

export interface ClientSecret {
  readonly sha256: Buffer;
  readonly endsAt: Millis;
}

/** Who signs the tokens of ServiceAccounts. */
export interface Cluster {
  readonly issuer: string;
  readonly keys: KeySet['keys'];
}

export interface Clients {
  readonly version: number;
  readonly byId: ReadonlyMap<string, Client>;
  /** Undefined: the operator may not read it. */
  readonly cluster: Cluster | undefined;
  /** What of the document this pod does not use, a sentence each; nothing of it is secret. */
  readonly ignored: readonly string[];
}

/** The document as written cannot be used. The message names fields and ids, never a content. */
export class ClientsUnusable extends Error {
  override readonly name: string = 'ClientsUnusable';
}

/** @throws ClientsUnusable */
export function parseClients(text: string): Clients {
  const parsed = clientsDocument.safeParse(parseJson(text));
  if (parsed.success) return clientsOf(parsed.data);
  const [issue] = parsed.error.issues;
  throw new ClientsUnusable(`${['clients', ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'not acceptable'}`);
}

/** @throws ClientsUnusable */
export function clientsOf({ version, cluster, clients }: ClientsDocument): Clients {
  const keySet = readKeySet({ keys: cluster?.keys ?? [] });
  const known = clients.map(clientOf);
  const byId = new Map(known.map((client) => [client.id, client]));
  if (byId.size < known.length) throw new ClientsUnusable('the id of a client occurs twice');
  return {
    version,
    byId,
    cluster: cluster && keySet && { issuer: cluster.issuer, keys: keySet.keys },
    ignored: [
      ...(keySet?.ignored ?? []).map((sentence) => `the cluster's key: ${sentence}`),
      ...known
        .filter(({ secrets }) => secrets.some(isUseless))
        .map(({ id }) => `${id} has a secret whose hash is none, or whose end is no time`),
    ],
  };
}

/** Nothing equals such a hash, and no time is before such an end. */
function isUseless({ sha256, endsAt }: ClientSecret): boolean {
  return sha256.length !== SHA256_BYTES || Number.isNaN(endsAt);
}

const SHA256_BYTES = 32;

function clientOf({ id, audience, serviceAccount, secrets = [] }: ClientsDocument['clients'][number]): Client {
  return {
    id,
    audience,
    ...(serviceAccount && { serviceAccount }),
    secrets: secrets.map(({ sha256, notAfter }) => ({
      sha256: Buffer.from(sha256, 'base64url'),
      endsAt: notAfter === undefined ? Infinity : Date.parse(notAfter),
    })),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text.
    throw new ClientsUnusable('the file is not JSON');
  }
}
