import type { Millis } from '../runtime/objects.ts';

/*
 * Whether a pod can be reached is judged by asking it every second, and by nothing else:
 *
 *   unknown ──── an answer ────► answers ◄──── an answer ──── silent
 *      │                            │                            ▲
 *      └──────── nothing came for 3 s, although asked ───────────┘
 *
 * A process that was itself away (throttled, stopped, its machine paused) has heard nobody, so what it did not hear meanwhile
 * counts for nothing: it begins to wait anew.
 */

export const ASK_EVERY: Millis = 1_000;
/** A Service goes on sending to what does not answer, so this is short; a garbage collection or a lost packet is shorter. */
export const SILENT_AFTER: Millis = 3_000;
/** With questions a second apart, a longer pause between answers says that something was between this process and the pod. */
export const STEADY_WITHIN: Millis = 1_500;
/** A question that comes so much too late says that this process was away. */
const AWAY_AFTER: Millis = 500;

/** What is known of one pod; times are of a monotonic clock. */
export interface Attention {
  readonly askedAt: Millis;
  /** When the first of the questions was asked that nothing has come after; absent: nothing is awaited. */
  readonly waitingSince?: Millis;
  /** The last answer, and the first of those before it without a longer pause in between. */
  readonly answers?: { readonly first: Millis; readonly last: Millis };
  readonly isSilent: boolean;
}

/** Ages rather than times, so that a plan needs no clock. */
export type Reachability =
  /** Not asked, or not long enough. */
  | { readonly state: 'unknown' }
  /** `ago`: when it answered last; `steadyFor`: since when it has done so without a pause. */
  | { readonly state: 'answers'; readonly ago: Millis; readonly steadyFor: Millis }
  | { readonly state: 'silent' };

/** A question is asked now; before the first one nothing is known. */
export function asked(known: Attention | undefined, now: Millis): Attention {
  if (!known) return { askedAt: now, waitingSince: now, isSilent: false };
  const wasAway = now - known.askedAt > ASK_EVERY + AWAY_AFTER;
  const waitingSince = wasAway ? now : (known.waitingSince ?? now);
  if (now - waitingSince < SILENT_AFTER) return { ...known, askedAt: now, waitingSince };
  return { askedAt: now, waitingSince, isSilent: true };
}

/** Something came from the pod. */
export function answered({ askedAt, answers }: Attention, now: Millis): Attention {
  const isSteady = answers !== undefined && now - answers.last <= STEADY_WITHIN;
  return { askedAt, answers: { first: isSteady ? answers.first : now, last: now }, isSilent: false };
}

export function reachabilityOf(known: Attention | undefined, now: Millis): Reachability {
  if (known?.isSilent === true) return { state: 'silent' };
  if (!known?.answers) return { state: 'unknown' };
  return { state: 'answers', ago: now - known.answers.last, steadyFor: now - known.answers.first };
}
