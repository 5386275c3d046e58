import { TokenMalformed, TokenTooLarge } from './errors.ts';
import { isRecord, parseJson } from './json.ts';

const MAX_LENGTH = 8 * 1024;

/** A JWS in compact form (RFC 7515); nothing of it is verified yet. */
export interface CompactToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Buffer;
  /** The bytes that the signature is of. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

export function parseCompact(token: string): CompactToken {
  // Callers in JavaScript may pass whatever a client sent.
  if (typeof token !== 'string') throw new TokenMalformed();
  if (token.length > MAX_LENGTH) throw new TokenTooLarge();
  const [first, second, third, ...others] = token.split('.');
  if (others.length > 0) throw new TokenMalformed();
  const headerBytes = decode(first);
  const payload = decode(second);
  const signature = decode(third);
  const header = parseJson(headerBytes.toString('utf8'));
  if (!isRecord(header)) throw new TokenMalformed();
  return { header, payload, signature, signed: Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1') };
}

/**
 * One text for one sequence of bytes: no padding, no white space, no bits that decoders drop. The last character of an
 * ES256 signature carries four of those, so sixteen texts would be the same token.
 */
function decode(part = ''): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (part === '' || bytes.toString('base64url') !== part) throw new TokenMalformed();
  return bytes;
}
