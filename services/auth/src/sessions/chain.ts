import type { Millis } from '@authstack/http-service/clock';
import type { StoredToken } from './session.ts';

/** Answers that were under way when the child was first shown may still arrive. */
export const GRACE: Millis = 30_000;

export type Standing = 'newest' | 'replaced-just-now' | 'reused';

/**
 * A token is replaced when its child is first presented, not when the child is made: until then nobody knows
 * whether the child arrived. Long after, only somebody who copied it still presents it.
 */
export function standingOf(child: StoredToken | undefined, now: Millis): Standing {
  if (child?.presentedAt === undefined) return 'newest';
  return now - child.presentedAt <= GRACE ? 'replaced-just-now' : 'reused';
}
