import type { ReasonOf } from '../../api/reasons.ts';
import type { Verdict } from '../../planning.ts';
import type { MongodbAction } from './action.ts';

export type DatabaseReadyReason = ReasonOf<'DatabaseReady'>;

/** What a rule answers: acting, or refusing. */
export type DatabaseVerdict = Acting | Refusal;

/** The database is kept as the spec wants it, or brought there. */
export interface Acting extends Verdict<'DatabaseReady', MongodbAction> {
  readonly actions: readonly MongodbAction[];
}

/** Something forbids to change anything: there is no action, not even the growth of a volume. */
export interface Refusal extends Verdict<'DatabaseReady', never> {
  readonly actions?: never;
}

/** For people, beside how the members are: what else is wrong, or waits for them. */
export interface Note {
  readonly reason: DatabaseReadyReason;
  readonly message: string;
}

export function acting(
  status: Acting['status'],
  ...[reason, message, actions]: [reason: DatabaseReadyReason, message: string, actions: readonly MongodbAction[]]
): Acting {
  return { status, reason, message, actions };
}

/** Only a person can bring it on. */
export function refusing(reason: DatabaseReadyReason, message: string): Refusal {
  return { status: 'False', reason, message, stalls: 'now' };
}

/** Nothing is done until something else comes first; it counts as stalled when that takes too long. */
export function waiting(reason: DatabaseReadyReason, message: string): Refusal {
  return { status: 'False', reason, message };
}
