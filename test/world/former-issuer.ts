import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { originOf } from './gateway.ts';
import { AUDIENCE } from './stack.ts';
import type { Stack } from './stack.ts';

/** Who issued tokens before there was a stack: its key, and what it signs. */
export interface FormerIssuer {
  readonly kid: string;
  /** PEM. */
  readonly privateKey: string;
  /** One that the stack accepts, if it has the key. */
  token(stack: Stack, ends: { readonly inSeconds: number }): Promise<string>;
}

export function aFormerIssuer(kid: string): FormerIssuer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    kid,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    token(stack, { inSeconds }) {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ client_id: 'former', sid: randomUUID(), ver: 0, roles: [] })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
        .setIssuer(originOf(stack))
        .setAudience(AUDIENCE)
        .setSubject(randomUUID())
        .setJti(randomUUID())
        .setIssuedAt(now - 60)
        .setExpirationTime(now + inSeconds)
        .sign(privateKey);
    },
  };
}
