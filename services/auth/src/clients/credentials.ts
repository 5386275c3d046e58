import type { IncomingHttpHeaders } from 'node:http';
import { authContract } from '../api.ts';
import { InvalidClient } from './errors.ts';

/** Who a request says it is, and by what it means to show it; nothing of it is checked yet. */
export type Credentials =
  | { readonly kind: 'secret'; readonly id: string; readonly secret: string }
  | { readonly kind: 'token'; readonly id: string; readonly token: string };

const HOW =
  "send Authorization: Basic with client-id and client-secret of the AuthConsumer's Secret, or, where it names a " +
  `ServiceAccount, Authorization: Bearer with that one's token and ${headerName(authContract.clientIdHeader)} with its client-id`;

/** @throws InvalidClient */
export function credentialsOf({ authorization, ...headers }: IncomingHttpHeaders): Credentials {
  if (authorization === undefined) throw new InvalidClient('no_credentials', `no client is named: ${HOW}`);
  const [, scheme = '', credentials = ''] = /^([A-Za-z]+) +([!-~]+)$/.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case 'basic':
      return secretOf(credentials);
    case 'bearer':
      return { kind: 'token', id: checkedId(headers[authContract.clientIdHeader]), token: credentials };
    default:
      throw malformed('Authorization is neither Basic nor Bearer with one credential');
  }
}

/** RFC 6749, section 2.3.1: both parts are form-encoded, so that neither can hold the colon between them. */
function secretOf(text: string): Credentials {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw malformed('the credential of Basic is not base64');
  const [, id, secret] = /^([^:]*):([^:]+)$/.exec(Buffer.from(text, 'base64').toString('latin1')) ?? [];
  if (id === undefined || secret === undefined) {
    throw malformed('the credential of Basic is not client-id:client-secret');
  }
  return { kind: 'secret', id: checkedId(formDecoded(id)), secret: formDecoded(secret) };
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw malformed('client-id or client-secret is not form-encoded');
  }
}

/** As Kubernetes has names. Only such a one is repeated in an answer or a log. */
const CLIENT_ID = /^[a-z0-9][a-z0-9.-]{0,62}\/[a-z0-9][a-z0-9.-]{0,252}$/;

function checkedId(id: string | string[] | undefined): string {
  if (id === undefined || id === '') throw malformed('the client id is missing');
  if (typeof id !== 'string' || !CLIENT_ID.test(id)) throw malformed('the client id is not <namespace>/<name>');
  return id;
}

function malformed(what: string): InvalidClient {
  return new InvalidClient('malformed_credentials', `${what}: ${HOW}`);
}

/** As people write it: `Authstack-Client-Id`. */
function headerName(name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, (letters) => letters.toUpperCase());
}
