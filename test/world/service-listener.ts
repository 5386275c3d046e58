import { request } from 'node:https';
import { json } from 'node:stream/consumers';
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

export interface Renewal {
  /** What the shop's Secret says about the listener and about the client. */
  readonly shop: Pick<Shop, 'secret'>;
  readonly token: string;
  readonly session: string;
}

/** Asks one auth pod's listener for services to renew an access token, as a client that shows this ServiceAccount's token. */
export async function askToRenew(
  stack: Stack,
  { shop, token, session }: Renewal,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const secret = await shop.secret();
  const [pod] = await stack.pods('auth');
  if (!pod) throw new Error(`${stack.namespace}/${stack.name} has no auth pod`);
  await using forward = await portForward(stack.namespace, pod.metadata.name, authContract.servicePort);
  const body = JSON.stringify({ session_token: session });
  return await new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      host: '127.0.0.1',
      port: forward.port,
      path: authContract.refreshPath,
      // Of whom the certificate has to be.
      servername: new URL(secret['auth-url'] ?? '').hostname,
      ca: secret['ca.crt'],
      headers: {
        authorization: `Bearer ${token}`,
        [authContract.clientIdHeader]: secret['client-id'],
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    };
    request(options, (response) => {
      json(response).then((answer) => {
        resolve({ status: response.statusCode ?? 0, body: answer });
      }, reject);
    })
      .once('error', reject)
      .end(body);
  });
}
