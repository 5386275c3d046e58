import { isSignedBy } from './algorithms.ts';
import { parseCompact, signatureBytesOf, signedBytesOf, textOf } from './compact.ts';
import { TokenSignatureInvalid } from './errors.ts';
import { keyNamedBy } from './header.ts';
import type { Wanted } from './header.ts';
import { parseJson } from './json.ts';

export { readKeySet } from './jwks.ts';
export type { KeySet } from './jwks.ts';

/**
 * What the key signed that a token of another kind than ours names: for the auth service, which is shown tokens of
 * ServiceAccounts. Read as strictly as an access token; the claims are the caller's to check. `undefined`: no JSON.
 *
 * Throws a TokenError.
 */
export function signedPayloadOf(token: string, wanted: Wanted): unknown {
  const parts = parseCompact(token);
  const key = keyNamedBy(parts.header, wanted);
  if (!isSignedBy(key, signedBytesOf(parts), signatureBytesOf(parts))) throw new TokenSignatureInvalid();
  return parseJson(textOf(parts.payload));
}
