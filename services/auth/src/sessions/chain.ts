import type { Millis } from '@authstack/http-service/clock';
import type { StoredToken } from './session.ts';

/** Answers that were under way when the child was first shown may still arrive. */
export const GRACE: Millis = 30_000;

export type TokenState = 'newest' | 'just-replaced' | 'reused';

/**
 * A token is replaced when its child is first presented, not when the child is made: until then nobody knows
 * whether the child arrived. Long after, only somebody who copied it still presents it.
 */
export function tokenStateOf(child: StoredToken | undefined, now: Millis): TokenState {
  if (child?.presentedAt === undefined) return 'newest';
  return now - child.presentedAt <= GRACE ? 'just-replaced' : 'reused';
}
