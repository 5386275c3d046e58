import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { authContract } from '@authstack/auth-service/api';
import { kubectl, portForward } from './kubectl.ts';
import type { Shop } from './shop.ts';
import type { Stack } from './stack.ts';

/** A ServiceAccount, and for whom its token is. */
export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audience: string;
}

/** As kubelet has it issued for a pod. */
export async function serviceAccountToken({ namespace, serviceAccount, audience }: TokenRequest): Promise<string> {
  return (await kubectl(['-n', namespace, 'create', 'token', serviceAccount, `--audience=${audience}`])).trim();
}

/** How one auth pod's listener for services is asked, by a client that shows this ServiceAccount's token. */
export type ServiceListener = Pick<RequestOptions, 'host' | 'port' | 'servername' | 'ca'> & {
  readonly headers: Readonly<Record<string, string>>;
};

export interface Client {
  /** What the shop's Secret says about the listener and about the client. */
  readonly shop: Pick<Shop, 'secret'>;
  readonly token: string;
}

/** Reached as long as it is not disposed. */
export async function serviceListener(
  stack: Stack,
  { shop, token }: Client,
): Promise<AsyncDisposable & { readonly listener: ServiceListener }> {
  const secret = await shop.secret();
  const [pod] = await stack.pods('auth');
  if (!pod) throw new Error(`${stack.namespace}/${stack.name} has no auth pod`);
  const forward = await portForward(stack.namespace, pod.metadata.name, authContract.servicePort);
  const listener = {
    host: '127.0.0.1',
    port: forward.port,
    // Of whom the certificate has to be.
    servername: new URL(secret['auth-url'] ?? '').hostname,
    ca: secret['ca.crt'] ?? '',
    headers: { authorization: `Bearer ${token}`, [authContract.clientIdHeader]: secret['client-id'] ?? '' },
  };
  return { listener, [Symbol.asyncDispose]: () => forward[Symbol.asyncDispose]() };
}

export interface Asked {
  readonly path: string;
  readonly body: object;
}

/** `body` undefined: the answer has none. */
export async function post(
  { headers, ...listener }: ServiceListener,
  { path, body }: Asked,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const json = JSON.stringify(body);
  const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) };
  return await new Promise((resolve, reject) => {
    request({ ...listener, method: 'POST', path, headers: { ...headers, ...length } }, (response) => {
      text(response).then((answer) => {
        resolve({ status: response.statusCode ?? 0, body: answer === '' ? undefined : JSON.parse(answer) });
      }, reject);
    })
      .once('error', reject)
      .end(json);
  });
}

/** Asks for another access token of a session. */
export async function askToRenew(
  stack: Stack,
  { session, ...client }: Client & { readonly session: string },
): Promise<{ readonly status: number; readonly body: unknown }> {
  await using reached = await serviceListener(stack, client);
  return await post(reached.listener, { path: authContract.refreshPath, body: { session_token: session } });
}
