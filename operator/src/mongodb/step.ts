import type { ConditionStatus } from '../runtime/objects.ts';
import type { ReportedEvent } from '../runtime/reconciler.ts';
import type { DatabaseReadyReason, MongodbAction } from './types.ts';

/** What a rule answers: the state of the database as it was seen, and what is done about it. */
export interface Step {
  readonly status: ConditionStatus;
  readonly reason: DatabaseReadyReason;
  readonly message: string;
  readonly actions: readonly MongodbAction[];
  readonly events?: readonly ReportedEvent[];
}

export function says(
  status: ConditionStatus,
  ...[reason, message, more = {}]: [
    reason: DatabaseReadyReason,
    message: string,
    more?: Partial<Pick<Step, 'actions' | 'events'>>,
  ]
): Step {
  return { status, reason, message, actions: [], ...more };
}
