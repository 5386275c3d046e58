import { compareOptimes } from '../api.ts';
import type { Optime } from '../api.ts';
import type { Succession } from './succession.ts';

/** What is known of a member that shall replicate from another one than before. */
export interface Turning {
  /** Whom it replicated from when it was told, and when that was. */
  readonly told?: { readonly source: string; readonly at: number };
  /** How far it was when it had turned. */
  readonly reached?: Optime;
}

/** The member as it is now. */
export interface Turned {
  /** Empty: nobody, so it sleeps. */
  readonly source: string;
  readonly applied?: Optime;
  readonly now: number;
}

export type Turn = { readonly type: 'done' } | { readonly type: 'tell' | 'wait'; readonly turning: Turning };

/** Longer than the sleep of a mongod that found no source. */
const TELL_AGAIN = 1_500;

/**
 * mongod takes a source only if it is ahead, and else sleeps for a second; told again while it sleeps, it takes the source when it
 * wakes. Nobody is told twice in the same situation: a member that is told the source it has stops, and sleeps as well. It
 * has turned once something came through the heir.
 */
export function nextTurn(turning: Turning, seen: Turned, { heir, from }: Succession): Turn {
  if (!turning.told && from !== undefined && seen.source !== from) return { type: 'done' };
  return seen.source === heir ? follow(turning, seen) : tell(turning, seen);
}

function follow({ told, reached }: Turning, { applied }: Turned): Turn {
  if (applied && reached && compareOptimes(applied, reached) > 0) return { type: 'done' };
  const since = reached ?? applied;
  return { type: 'wait', turning: { ...(told && { told }), ...(since && { reached: since }) } };
}

function tell({ told }: Turning, { source, now }: Turned): Turn {
  if (told?.source === source && now - told.at <= TELL_AGAIN) return { type: 'wait', turning: { told } };
  return { type: 'tell', turning: { told: { source, at: now } } };
}
