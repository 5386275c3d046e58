import type { PlannedCondition } from '../../api/reasons.ts';
import type { Plan } from '../../planning.ts';
import type { ConsumersPlan, StackConsumersStatus } from '../summary.ts';
import type { ClientsPlan, ClientsProblem } from './plan.ts';
import type { ClientsAction } from './types.ts';

/** What the stack does for its consumers and reports of them: their copies, and that the auth pods know them. */
export function withClients(
  copies: ConsumersPlan,
  { actions, problem, recheckAt = Infinity }: ClientsPlan,
): Plan<ClientsAction, StackConsumersStatus> {
  const at = Math.min(copies.recheckAt ?? Infinity, recheckAt);
  const { recheckAt: _either, ...report } = copies;
  return {
    ...report,
    actions,
    conditions: problem ? copies.conditions.map((condition) => withProblem(condition, problem)) : copies.conditions,
    ...(Number.isFinite(at) && { recheckAt: at }),
    ...(problem?.status === 'False' && { stalled: { reason: problem.reason, message: problem.message } }),
  };
}

/** A copy that is behind is told as well. */
function withProblem(condition: PlannedCondition, { status, reason, message }: ClientsProblem): PlannedCondition {
  if (condition.type !== 'ConsumersInSync') return condition;
  if (condition.status === 'True') return { ...condition, status, reason, message };
  return { ...condition, message: `${condition.message}. Besides, ${message}` };
}
