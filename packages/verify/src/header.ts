import type { VerificationKey } from './algorithms.ts';
import { textOf } from './compact.ts';
import {
  TokenAlgorithmRefused,
  TokenHeaderRefused,
  TokenKeyUnknown,
  TokenMalformed,
  TokenTypeRefused,
} from './errors.ts';
import { isRecord, parseJson } from './json.ts';

type Keys = ReadonlyMap<string, VerificationKey>;

/** A token with one of these brings its own key, or demands what we do not do. */
const refused = ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'enc'] as const;

/** The header that was read last and its key: a stack signs with one key at a time, so nearly every token has this one. */
let latest: { readonly keys: Keys; readonly header: string; readonly key: VerificationKey } | undefined;

/**
 * The key that a token with this header (base64url) must be signed with. The header only chooses among the keys in force,
 * never an algorithm.
 */
export function keyOf(header: string, keys: Keys): VerificationKey {
  if (latest?.keys === keys && latest.header === header) return latest.key;
  const key = keyNamedBy(header, { keys, isType: (type) => type === 'at+jwt' });
  latest = { keys, header, key };
  return key;
}

export interface Wanted {
  readonly keys: Keys;
  /** Told `typ`, which may be absent. */
  readonly isType: (type: unknown) => boolean;
}

/** The same of a token of any type. */
export function keyNamedBy(text: string, { keys, isType }: Wanted): VerificationKey {
  const header = parseJson(textOf(text));
  if (!isRecord(header)) throw new TokenMalformed();
  if (!isType(header['typ'])) throw new TokenTypeRefused();
  const unwanted = refused.find((parameter) => Object.hasOwn(header, parameter));
  if (unwanted !== undefined) throw new TokenHeaderRefused(unwanted);

  const { kid, alg } = header;
  const key = typeof kid === 'string' ? keys.get(kid) : undefined;
  if (!key) throw new TokenKeyUnknown();
  if (alg !== key.algorithm) throw new TokenAlgorithmRefused();
  return key;
}
