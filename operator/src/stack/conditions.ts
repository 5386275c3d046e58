import type { AuthStack } from '../api/auth-stack.ts';
import type { PlannedCondition } from '../api/reasons.ts';
import type { Stalled } from '../planning.ts';

/**
 * What users of the stack need, in the order in which one needs the other. A consumer that lags in its own namespace
 * does not make the stack unready.
 */
const needed = ['DatabaseReady', 'KeysReady', 'AuthReady'] as const;

type Needed = PlannedCondition<(typeof needed)[number]>;

/** Sums the features up: False where something is known to be missing, Unknown where nobody can tell, else True. */
export function readyOf(observed: readonly PlannedCondition[]): PlannedCondition<'Ready'> {
  const parts = needed.map(
    (type): Needed =>
      observed.find((condition): condition is Needed => condition.type === type) ?? {
        ...{ type, status: 'Unknown', reason: 'NotEvaluated', message: 'Not evaluated yet' },
      },
  );
  const worst = parts.find(({ status }) => status === 'False') ?? parts.find(({ status }) => status === 'Unknown');
  if (worst) {
    const { type, status, reason, message } = worst;
    return { type: 'Ready', status, reason, message: `${type} is ${status}: ${message}` };
  }
  return { type: 'Ready', status: 'True', reason: 'AllReady', message: 'Users can sign in' };
}

/** True as soon as one feature has waited past its deadline, or needs a person. */
export function stalledOf(stalled: readonly (Stalled | undefined)[]): PlannedCondition<'Stalled'> {
  const found = stalled.filter((one) => one !== undefined);
  const [first] = found;
  if (!first) {
    return {
      type: 'Stalled',
      status: 'False',
      reason: 'Progressing',
      message: 'Nothing has waited past its deadline',
    };
  }
  const message = found.map((one) => one.message).join('; ');
  return { type: 'Stalled', status: 'True', reason: first.reason, message };
}

/** Stored only while True: somebody asked for it. */
export function hibernatedOf({ spec }: AuthStack): PlannedCondition<'Hibernated'> {
  const isAsked = spec.mongodb.hibernate;
  const message = 'spec.mongodb.hibernate is true: the operator stops all members and keeps their volumes';
  return { type: 'Hibernated', status: isAsked ? 'True' : 'False', reason: 'Requested', message };
}

/** Stored only while True: somebody asked for it. */
export function suspendedOf({ spec }: AuthStack): PlannedCondition<'Suspended'> {
  const message = 'spec.suspend is true: the operator reports the status and changes nothing';
  return { type: 'Suspended', status: spec.suspend ? 'True' : 'False', reason: 'Requested', message };
}

/**
 * Without a usable authority the operator has no certificate for the members' agents, and they look as if a NetworkPolicy cut
 * them off. The cause is the certificates', the condition the database's.
 */
export function withAuthority(
  conditions: readonly PlannedCondition[],
  stalled: Stalled | undefined,
): readonly PlannedCondition[] {
  if (!stalled) return conditions;
  return conditions.map((condition) =>
    condition.type === 'DatabaseReady' && condition.reason === 'MembersUnreachable'
      ? { ...condition, message: `The operator cannot authenticate to the members' agents. ${stalled.message}` }
      : condition,
  );
}
