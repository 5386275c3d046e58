import { randomBytes, timingSafeEqual } from 'node:crypto';
import { keyedHash } from '../secrets/secrets.ts';
import type { KeySet, SecretKey } from '../secrets/secrets.ts';

/**
 * What a browser keeps to show that accounts signed in from it before (OWASP, "Slow Down Online Guessing Attacks with Device
 * Cookies"): `<key id>.<nonce>.<mark>…`, a mark for each account. A mark is HMAC(key, nonce, address): nobody else can make one, and
 * neither the browser nor two browsers of one person can tell whose it is. It opens nothing; it is only counted apart.
 */
export type DeviceProof = string & { readonly __brand: 'DeviceProof' };

/** Who a device is for one account. */
export interface KnownDevice {
  readonly nonce: string;
}

/** A browser that a family shares; the oldest account beyond that is a stranger again. */
const MAX_ACCOUNTS = 5;
const part = /^[A-Za-z0-9_-]{22}$/;

interface Parts {
  readonly keyId: string;
  readonly nonce: string;
  readonly marks: readonly string[];
}

/** Undefined unless the account has signed in from the device. */
export function knownDevice(proof: string | undefined, account: string, keys: KeySet): KnownDevice | undefined {
  const parts = partsOf(proof);
  const key = parts && keys.find(parts.keyId);
  if (!parts || !key) return undefined;
  const mark = Buffer.from(markOf(key, parts.nonce, account));
  const isKnown = parts.marks.some((shown) => timingSafeEqual(Buffer.from(shown), mark));
  return isKnown ? { nonce: parts.nonce } : undefined;
}

/** The proof that the device keeps from now on: the account first, then those it knew, as long as their key is the current one. */
export function withAccount(proof: string | undefined, account: string, { current }: KeySet): DeviceProof {
  const before = partsOf(proof);
  const kept = before?.keyId === current.id ? before : { nonce: randomBytes(16).toString('base64url'), marks: [] };
  const mark = markOf(current, kept.nonce, account);
  const marks = [mark, ...kept.marks.filter((each) => each !== mark)].slice(0, MAX_ACCOUNTS);
  return [current.id, kept.nonce, ...marks].join('.') as DeviceProof;
}

function partsOf(proof = ''): Parts | undefined {
  const [keyId, nonce, ...marks] = proof.split('.');
  if (keyId === undefined || nonce === undefined || marks.length > MAX_ACCOUNTS) return undefined;
  return [nonce, ...marks].every((text) => part.test(text)) ? { keyId, nonce, marks } : undefined;
}

/** 128 bits of it. */
function markOf(key: SecretKey, nonce: string, account: string): string {
  return keyedHash(key)
    .update(JSON.stringify(['authstack device', nonce, account]))
    .digest()
    .subarray(0, 16)
    .toString('base64url');
}
