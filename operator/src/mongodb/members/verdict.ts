import type { ConditionStatus } from '../../runtime/objects.ts';
import type { ReportedEvent } from '../../runtime/reconciler.ts';
import { isFenced } from './member.ts';
import type { DatabaseReadyReason, Member, MongodbAction } from './types.ts';

/** What a rule answers: the state of the database as it was seen, and what is done about it. */
export interface DatabaseVerdict {
  readonly status: ConditionStatus;
  readonly reason: DatabaseReadyReason;
  readonly message: string;
  readonly actions: readonly MongodbAction[];
  readonly events?: readonly ReportedEvent[];
}

export function verdict(
  status: ConditionStatus,
  ...[reason, message, more = {}]: [
    reason: DatabaseReadyReason,
    message: string,
    more?: Partial<Pick<DatabaseVerdict, 'actions' | 'events'>>,
  ]
): DatabaseVerdict {
  return { status, reason, message, actions: [], ...more };
}

/** A member in a word or two, for people. */
export function stateOf(member: Member): string {
  const { agent, pod } = member;
  if (agent === 'unknown') return pod ? 'not reached' : 'no pod';
  if (agent.replicaSet.state === 'initialized') return agent.replicaSet.self;
  if (isFenced(member)) return 'fenced';
  return agent.gate === 'waiting' ? `held, volume ${agent.volume.state}` : `mongod ${agent.mongod.state}`;
}
