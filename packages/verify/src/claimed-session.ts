import { checkedButForTimes } from './claims.ts';
import type { Meant } from './claims.ts';
import { parseCompact, textOf } from './compact.ts';
import { TokenError } from './errors.ts';
import { parseJson } from './json.ts';

/**
 * The session (`sid`) that a token names whose key is no longer in force, or was never. Nobody vouches for it, and anybody can
 * write such a token: it says which session to ask for, and nothing else of it is used. Undefined: it is not even meant to be
 * a token of this stack for this service.
 */
export function claimedSessionOf(token: string, meant: Meant): string | undefined {
  try {
    return checkedButForTimes(parseJson(textOf(parseCompact(token).payload)), meant).sid;
  } catch (error) {
    if (error instanceof TokenError) return undefined;
    throw error;
  }
}
