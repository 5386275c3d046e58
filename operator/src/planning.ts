import type { AuthStack } from './api/auth-stack.ts';
import { needsRecheck } from './api/reasons.ts';
import type { ConditionType, PlannedCondition, ReasonOf } from './api/reasons.ts';
import type { ConditionStatus, Millis } from './runtime/objects.ts';

/*
 * How every feature decides:
 *
 *   observation ──► rules, in order ──► Verdict ──► planOf ──► Plan ──► stack/ joins one per feature
 *                   the first answer       │
 *                   wins                   ├── status, reason, message   the feature's condition
 *                                          ├── actions                   what to do about it, as data
 *                                          ├── recheckAt                 a deadline that no watched change brings
 *                                          └── stalls                    whether a person has to act
 */

/** What a rule answers about what it sees, and what to do about it. */
export interface Verdict<Type extends ConditionType, Action> {
  readonly status: ConditionStatus;
  readonly reason: ReasonOf<Type>;
  /** For people: what was seen, which object, then the command. */
  readonly message: string;
  /** In order; the first that fails ends the list. */
  readonly actions?: readonly Action[];
  /** Absent: a change of a watched object, the stall deadline, or `LOOK_AGAIN` where nothing is watched brings the next pass. */
  readonly recheckAt?: Millis;
  /**
   * When the stack counts as stalled: `now`, because only a person can bring it on; `later`, once it has lasted
   * `STALL_AFTER`; `never`, because somebody asked for it. Absent: `never` where the status is True, else `later`.
   */
  readonly stalls?: 'now' | 'later' | 'never';
}

/** A rule knows one situation and answers nothing where it does not hold; its name states the situation. */
export type Rule<Seen, Answer> = (seen: Seen) => Answer | undefined;

/** The answer of the first rule that has one: the order of the rules is the policy. */
export function firstAnswer<Seen, Answer>(rules: readonly Rule<Seen, Answer>[], seen: Seen): Answer | undefined {
  for (const rule of rules) {
    const answer = rule(seen);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

/** Why nothing moves any more although its deadline has passed. */
export interface Stalled {
  readonly reason: PlannedCondition<'Stalled'>['reason'];
  /** Names the object and the command to look at it. */
  readonly message: string;
}

/** What a pure plan answers: the actions in order, and the report of what was observed. */
export interface Plan<Action, Status> {
  readonly actions: readonly Action[];
  readonly conditions: readonly PlannedCondition[];
  /** Every field of the status that is the feature's: one that is `undefined` is removed. */
  readonly status: Status;
  /** Wall clock time of the next pass that no watched change would bring; absent: wait for a change. */
  readonly recheckAt?: Millis;
  readonly stalled?: Stalled;
}

/** What a plan of a deletion answers; the finalizer goes once `done`. */
export interface RemovalPlan<Action, Status> extends Plan<Action, Status> {
  readonly done: boolean;
}

/** What people are told to change is looked at this often where no watch announces it. */
export const LOOK_AGAIN: Millis = 15_000;

/** How long a condition may be False or Unknown before a person should look. */
export const STALL_AFTER: Millis = 300_000;

export interface PlanContext<Type extends ConditionType, Status> {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly type: Type;
  readonly status: Status;
}

/** The plan of a feature that has one condition: the one place that decides when a stack stalls. */
export function planOf<Type extends 'DatabaseReady' | 'KeysReady' | 'AuthReady', Action, Status>(
  verdict: Verdict<Type, Action>,
  { stack, now, type, status }: PlanContext<Type, Status>,
): Plan<Action, Status> {
  const { reason, message, actions = [] } = verdict;
  const stallsAt = stallTime(verdict, { stack, now, type });
  const recheckAt = Math.min(
    verdict.recheckAt ?? Infinity,
    stallsAt > now ? stallsAt : Infinity,
    needsRecheck(type, reason) ? now + LOOK_AGAIN : Infinity,
  );
  return {
    actions,
    // The compiler cannot see that type and reason of one generic verdict belong together.
    conditions: [{ type, status: verdict.status, reason, message } as PlannedCondition],
    status,
    ...(Number.isFinite(recheckAt) && { recheckAt }),
    ...(stallsAt <= now && { stalled: { reason, message } }),
  };
}

/** When the verdict counts as stalled; Infinity: never. Counted from when the stored condition got this status. */
function stallTime<Type extends ConditionType, Action>(
  { status, stalls = status === 'True' ? 'never' : 'later' }: Verdict<Type, Action>,
  { stack, now, type }: { readonly stack: AuthStack; readonly now: Millis; readonly type: Type },
): Millis {
  if (stalls === 'never') return Infinity;
  if (stalls === 'now') return now;
  const stored = stack.status?.conditions?.find((condition) => condition.type === type);
  const since = stored?.status === status ? Date.parse(stored.lastTransitionTime) : now;
  return since + STALL_AFTER;
}
