import {
  TokenAlgorithmRefused,
  TokenHeaderRefused,
  TokenKeyUnknown,
  TokenMalformed,
  TokenTooLarge,
  TokenTypeRefused,
} from './errors.ts';
import { isRecord, parseJson } from './json.ts';
import type { VerificationKey } from './trust.ts';

const MAX_LENGTH = 8 * 1024;

/** Whoever sends these brings a key of his own, or asks for something that we do not do. */
const refused = ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'enc'] as const;

/**
 * The key that a token must be signed with. jsonwebtoken looks neither at `typ` nor at `crit` and decodes leniently, so
 * whatever is not exactly a token of ours is refused before it sees it.
 */
export function keyOf(token: string, keys: ReadonlyMap<string, VerificationKey>): VerificationKey {
  const header = headerOf(token);
  if (header['typ'] !== 'at+jwt') throw new TokenTypeRefused();
  const unwanted = refused.find((parameter) => Object.hasOwn(header, parameter));
  if (unwanted !== undefined) throw new TokenHeaderRefused(unwanted);

  const { kid, alg } = header;
  const key = typeof kid === 'string' ? keys.get(kid) : undefined;
  if (!key) throw new TokenKeyUnknown();
  if (alg !== key.algorithm) throw new TokenAlgorithmRefused();
  return key;
}

function headerOf(token: string): Readonly<Record<string, unknown>> {
  // Callers in JavaScript hand over whatever a client sent.
  if (typeof token !== 'string') throw new TokenMalformed();
  if (token.length > MAX_LENGTH) throw new TokenTooLarge();
  const parts = token.split('.');
  const [encoded = ''] = parts;
  if (parts.length !== 3 || !parts.every(isCanonical)) throw new TokenMalformed();
  const header = parseJson(Buffer.from(encoded, 'base64url').toString('utf8'));
  if (!isRecord(header)) throw new TokenMalformed();
  return header;
}

/** One text for one sequence of bytes: no padding, no white space, no bits that decoders drop. */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;
}
