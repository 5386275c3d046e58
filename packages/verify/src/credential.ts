import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './error-code.ts';
import { ClientUnidentified } from './errors.ts';
import { serviceApi } from './service-api.ts';
import type { Trust } from './trust.ts';

/** Where this service has what it shows the auth service. */
export interface CredentialPlace {
  /** Of the mounted Secret. */
  readonly directory: string;
  /** Of a ServiceAccount's token; undefined: `token` beside the Secret. */
  readonly tokenFile: string | undefined;
}

/** What this service shows the auth service, without the secret in it. */
export type Identification =
  | { readonly by: 'serviceAccount'; readonly clientId: string; readonly tokenFile: string }
  | { readonly by: 'clientSecret'; readonly clientId: string }
  /** Nothing, so nobody is renewed here. */
  | { readonly by: 'nothing'; readonly reason: string };

/** In one volume with the Secret, as docs/consumers.md has it. */
const TOKEN = 'token';

/**
 * As the AuthConsumer has it: the Secret has a client secret only where that names no ServiceAccount. So a pod may mount a token
 * before it does, and goes over to it when the secret is gone.
 */
export function identificationOf({ directory, tokenFile }: CredentialPlace, trust: Trust): Identification {
  const { clientId, clientSecret } = trust;
  const reason = whyNobodyIsTold(trust);
  if (reason !== undefined) return { by: 'nothing', reason: `${directory}: ${reason}` };
  if (clientId === undefined) return { by: 'nothing', reason: `${directory}: client-id is missing` };
  if (tokenFile === undefined && clientSecret !== undefined) return { by: 'clientSecret', clientId };
  const path = tokenFile ?? join(directory, TOKEN);
  if (existsSync(path)) return { by: 'serviceAccount', clientId, tokenFile: path };
  if (tokenFile !== undefined) return { by: 'nothing', reason: `${tokenFile}: there is no such file` };
  return { by: 'nothing', reason: `${directory}: neither client-secret nor token is there` };
}

function whyNobodyIsTold({ authUrl, ca }: Trust): string | undefined {
  if (!authUrl.startsWith('https:')) return 'auth-url is not https, so whatever is sent there could be read';
  return ca ? undefined : 'ca.crt is missing, so nobody can tell who answers at auth-url';
}

/** Read anew each time, for kubelet replaces a token long before it ends. Throws ClientUnidentified. */
export async function authorizationOf(place: CredentialPlace, trust: Trust): Promise<Readonly<Record<string, string>>> {
  const found = identificationOf(place, trust);
  switch (found.by) {
    case 'serviceAccount':
      return {
        authorization: `Bearer ${await tokenIn(found.tokenFile)}`,
        [serviceApi.clientIdHeader]: found.clientId,
      };
    case 'clientSecret':
      return { authorization: `Basic ${basic(found.clientId, trust.clientSecret ?? '')}` };
    case 'nothing':
      throw new ClientUnidentified(found.reason);
  }
}

/** RFC 6749 section 2.3.1: both are form-encoded, so that an id may have a colon. */
function basic(id: string, secret: string): string {
  return Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64');
}

/** RFC 6750; longer ones fit no header. */
const BEARER = /^[A-Za-z0-9._~+/-]{1,8192}=*$/;

async function tokenIn(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ClientUnidentified(`${path}: it cannot be read: ${codeOf(cause)}`);
  });
  const token = text.trim();
  if (!BEARER.test(token)) throw new ClientUnidentified(`${path}: it does not hold a token`);
  return token;
}
