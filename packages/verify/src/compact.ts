import { TokenMalformed, TokenTooLarge } from './errors.ts';

const MAX_LENGTH = 8 * 1024;

/** The parts of a JWS in compact form (RFC 7515), each of canonical base64url; nothing of it is verified yet. */
export interface CompactToken {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
  /** What the signature is of: header and payload as they were sent. */
  readonly signed: string;
}

/** Three parts of the alphabet of base64url: no padding, no white space. */
const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export function parseCompact(token: string): CompactToken {
  // Callers in JavaScript may pass whatever a client sent.
  if (typeof token !== 'string') throw new TokenMalformed();
  if (token.length > MAX_LENGTH) throw new TokenTooLarge();
  if (!SHAPE.test(token)) throw new TokenMalformed();
  const first = token.indexOf('.');
  const second = token.lastIndexOf('.');
  const parts = {
    header: token.slice(0, first),
    payload: token.slice(first + 1, second),
    signature: token.slice(second + 1),
    signed: token.slice(0, second),
  };
  const isRead = isCanonical(parts.header) && isCanonical(parts.payload) && isCanonical(parts.signature);
  if (!isRead) throw new TokenMalformed();
  return parts;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** The bits of each character, by its code. */
const BITS = Uint8Array.from({ length: 128 }, (_, code) => Math.max(0, ALPHABET.indexOf(String.fromCharCode(code))));
/** Which bits of the last character belong to no byte, by the length of a text modulo 4. No text has one over. */
const UNUSED_BITS = [0, undefined, 0b1111, 0b11];

/**
 * One text for one sequence of bytes. The last character of an ES256 signature carries four bits that decoders drop, so
 * sixteen texts would be the same token.
 */
function isCanonical(part: string): boolean {
  const unused = UNUSED_BITS[part.length % 4];
  return unused !== undefined && ((BITS[part.charCodeAt(part.length - 1)] ?? 0) & unused) === 0;
}

/**
 * Room for bytes of one token, the same for every token: memory of its own for each would cost more than to decode it. Verifying
 * is synchronous, and nothing of one token is looked at when the next one comes.
 */
class Room {
  private readonly bytes = Buffer.alloc(MAX_LENGTH);
  private latest = this.bytes;

  /** Valid until the next call. */
  put(text: string, encoding: 'latin1' | 'base64url'): Buffer {
    const length = this.bytes.write(text, encoding);
    // Tokens of one stack are nearly all of one length.
    if (this.latest.length !== length) this.latest = this.bytes.subarray(0, length);
    return this.latest;
  }
}

const rooms = { signed: new Room(), signature: new Room(), text: new Room() };

/** The bytes that the signature is of, valid until the next call. */
export function signedBytesOf({ signed }: CompactToken): Buffer {
  return rooms.signed.put(signed, 'latin1');
}

/** Valid until the next call. */
export function signatureBytesOf({ signature }: CompactToken): Buffer {
  return rooms.signature.put(signature, 'base64url');
}

/** The text that a part is the base64url of. */
export function textOf(part: string): string {
  return rooms.text.put(part, 'base64url').toString('utf8');
}
