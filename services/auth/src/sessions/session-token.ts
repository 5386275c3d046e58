import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { SecretKey } from '../secrets/secrets.ts';
import type { TokenHash } from './session.ts';

/** 256 bit, base64url. */
export type SessionToken = string & { readonly __brand: 'SessionToken' };

const form = /^[A-Za-z0-9_-]{43}$/;

export function asSessionToken(text: string): SessionToken | undefined {
  return form.test(text) ? (text as SessionToken) : undefined;
}

export function newSessionToken(): SessionToken {
  return randomBytes(32).toString('base64url') as SessionToken;
}

/** The same child from every replica, so that a lost answer or two tabs never fork a session. */
export function childOf(parent: SessionToken, refreshKey: SecretKey): SessionToken {
  return createHmac('sha256', refreshKey.bytes)
    .update('authstack session child\0')
    .update(parent)
    .digest('base64url') as SessionToken;
}

export function hashOf(token: SessionToken): TokenHash {
  return createHash('sha256').update(token).digest('base64url') as TokenHash;
}
