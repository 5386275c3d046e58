import type { VerificationKey } from './algorithms.ts';
import { TokenAlgorithmRefused, TokenHeaderRefused, TokenKeyUnknown, TokenTypeRefused } from './errors.ts';

/** A token with one of these brings its own key, or demands what we do not do. */
const refused = ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'enc'] as const;

/** The key that a token must be signed with. The header only chooses among the keys in force, never an algorithm. */
export function keyOf(
  header: Readonly<Record<string, unknown>>,
  keys: ReadonlyMap<string, VerificationKey>,
): VerificationKey {
  if (header['typ'] !== 'at+jwt') throw new TokenTypeRefused();
  const unwanted = refused.find((parameter) => Object.hasOwn(header, parameter));
  if (unwanted !== undefined) throw new TokenHeaderRefused(unwanted);

  const { kid, alg } = header;
  const key = typeof kid === 'string' ? keys.get(kid) : undefined;
  if (!key) throw new TokenKeyUnknown();
  if (alg !== key.algorithm) throw new TokenAlgorithmRefused();
  return key;
}
