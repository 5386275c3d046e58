import { createHmac } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';

/*
 * A private key of the key ring, encrypted with a key of the stack's owner: JWE (RFC 7516) of a JWK (RFC 7517, section 7).
 *
 *   wrapping key ──A256GCMKW──► content key, another one for each ──A256GCM──► private JWK
 *   32 bytes of the owner's Secret
 *
 *   protected header   kid     which wrapping key, by an id that tells nothing of it
 *                      wraps   kid of the key inside, so that nobody puts one in another's place
 *
 * Operator and auth service share this file: what one wraps the other unwraps.
 */

export interface WrappingKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A private JSON Web Key (RFC 7517). */
export type PrivateJwk = Readonly<Record<string, unknown>>;

/** It cannot be unwrapped here and now. The message names ids, never a key. */
export class KeyNotUnwrapped extends Error {
  override readonly name: string = 'KeyNotUnwrapped';
  /** `absent`: the wrapping key is not at hand. `damaged`: it is, and this is not what was wrapped with it. */
  readonly code: 'absent' | 'damaged';

  constructor(code: 'absent' | 'damaged', message: string) {
    super(message);
    this.code = code;
  }
}

const KEY_BYTES = 32;
const algorithms = { alg: 'A256GCMKW', enc: 'A256GCM' } as const;
const CONTENT_TYPE = 'jwk+json';
const ID_LABEL = 'authstack wrapping key id';
const ID_BYTES = 12;

/** In the one form that can be written without a line break (RFC 7516, section 7.1). */
export const WRAPPED_KEY: RegExp = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){4}$/;

/**
 * What a file or an entry of a Secret holds, as a wrapping key: 32 bytes, or their base64 or base64url. Why it is none tells how
 * long it is, and nothing else of it.
 */
export function readWrappingKey(content: Uint8Array): WrappingKey | { readonly why: string } {
  const bytes = content.length === KEY_BYTES ? content : decoded(content);
  if (!bytes) {
    return { why: `has ${content.length} bytes: neither 32, nor their base64 (43 or 44 characters)` };
  }
  // What can be typed is a password, or hex digits of half the strength.
  if (bytes.every(isPrintable)) return { why: 'is a text of 32 characters, and 32 random bytes are needed' };
  return { id: idOf(bytes), bytes };
}

function decoded(content: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(content).toString('latin1').trim();
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Uint8Array.from(Buffer.from(text, 'base64')) : undefined;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

function idOf(bytes: Uint8Array): string {
  return createHmac('sha256', bytes).update(ID_LABEL).digest().subarray(0, ID_BYTES).toString('base64url');
}

export async function wrapKey(privateJwk: PrivateJwk, kid: string, { id, bytes }: WrappingKey): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(privateJwk)))
    .setProtectedHeader({ ...algorithms, cty: CONTENT_TYPE, kid: id, wraps: kid })
    .encrypt(bytes);
}

/** @throws KeyNotUnwrapped */
export async function unwrapKey(
  jwe: string,
  kid: string,
  find: (id: string) => WrappingKey | undefined,
): Promise<PrivateJwk> {
  const id = wrappingKeyIdOf(jwe);
  if (id === undefined) throw damaged(kid);
  const key = find(id);
  if (!key) throw new KeyNotUnwrapped('absent', `key ${kid} is wrapped with the key of id ${id}, which is not there`);
  return unwrapped(jwe, kid, key);
}

async function unwrapped(jwe: string, kid: string, { bytes }: WrappingKey): Promise<PrivateJwk> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, bytes, {
      keyManagementAlgorithms: [algorithms.alg],
      contentEncryptionAlgorithms: [algorithms.enc],
    });
    if (protectedHeader['wraps'] === kid) return JSON.parse(Buffer.from(plaintext).toString('utf8')) as PrivateJwk;
  } catch {
    // Errors of libraries may quote what they were given.
  }
  throw damaged(kid);
}

function damaged(kid: string): KeyNotUnwrapped {
  return new KeyNotUnwrapped(
    'damaged',
    `key ${kid} was changed after it was wrapped, or another one was put in its place`,
  );
}

/** The id of the key that it is wrapped with, as it says; undefined where it is no wrapped key. */
export function wrappingKeyIdOf(jwe: string): string | undefined {
  if (!WRAPPED_KEY.test(jwe)) return undefined;
  try {
    const { kid } = decodeProtectedHeader(jwe);
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}
