import { createHash, createHmac, createSecretKey } from 'node:crypto';
import { z } from 'zod';
import { namesOf } from '../api/names.ts';
import type { StoredSecret } from './secret.ts';

/*
 * Secret `<stack>-client-key`: what the secrets of the stack's clients derive from. Nothing mounts it. So none of them is stored
 * but in the Secret of its consumer, and nothing but the generation has to be remembered.
 *
 *   client secret = HMAC-SHA256(key, client · uid of its AuthConsumer · generation)
 */

/** Base64. */
export interface ClientKey {
  readonly key: string;
}

const FILE = 'key';
const content = z.base64().refine((text) => Buffer.byteLength(text, 'base64') >= 32);

export const clientKey: StoredSecret<ClientKey> = {
  component: 'clients',
  nameOf: (stackName) => namesOf(stackName).clientKey,
  decode: ({ [FILE]: text }) => {
    const key = content.safeParse(text).data;
    return key === undefined ? { why: `${FILE} is missing, or has fewer than 32 bytes` } : { value: { key } };
  },
  encode: ({ key }) => ({ [FILE]: key }),
};

/** Whose secret it is. */
export interface ClientName {
  /** `<namespace>/<name>` of the AuthConsumer. */
  readonly id: string;
  /** Of the AuthConsumer: one that is deleted and created again has other secrets. */
  readonly uid: string;
}

export function clientSecret({ key }: ClientKey, { id, uid }: ClientName, generation: number): string {
  // Node takes four times as long for a Buffer, and there are two secrets for each consumer in each pass.
  const hmac = createHmac('sha256', createSecretKey(key, 'base64'));
  return hmac.update(JSON.stringify([id, uid, generation])).digest('base64url');
}

/** As the auth service knows a secret. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
