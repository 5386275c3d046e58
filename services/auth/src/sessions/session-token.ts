import { createHash, randomBytes } from 'node:crypto';
import { keyedHash } from '../secrets/secrets.ts';
import type { SecretKey } from '../secrets/secrets.ts';
import type { SessionId, TokenHash } from './session.ts';

/**
 * base64url of 48 bytes: 16 that all tokens of a session begin with, its family, and 32 of this token alone. Nobody knows the
 * family but who was given a token of it, so a token of a known family that is not in force is an old one, however old.
 */
export type SessionToken = string & { readonly __brand: 'SessionToken' };

const FAMILY_BYTES = 16;
const OWN_BYTES = 32;
const form = /^[A-Za-z0-9_-]{64}$/;

export function asSessionToken(text: string): SessionToken | undefined {
  return form.test(text) ? (text as SessionToken) : undefined;
}

/** The first of a new family. */
export function newSessionToken(): SessionToken {
  return randomBytes(FAMILY_BYTES + OWN_BYTES).toString('base64url') as SessionToken;
}

/** The same child from every replica, so that a lost answer or two tabs never fork a session. */
export function childOf(parent: SessionToken, refreshKey: SecretKey): SessionToken {
  const own = keyedHash(refreshKey).update('authstack session child\0').update(parent).digest();
  return Buffer.concat([familyOf(parent), own]).toString('base64url') as SessionToken;
}

export function hashOf(token: SessionToken): TokenHash {
  return createHash('sha256').update(token).digest('base64url') as TokenHash;
}

/** Access tokens carry the id of their session, which therefore must not lead back to the family. */
export function sessionIdOf(token: SessionToken): SessionId {
  const digest = createHash('sha256').update('authstack session id\0').update(familyOf(token)).digest();
  return digest.subarray(0, 16).toString('base64url');
}

function familyOf(token: SessionToken): Buffer {
  return Buffer.from(token, 'base64url').subarray(0, FAMILY_BYTES);
}
