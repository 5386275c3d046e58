import type { AuthStack } from '../api/auth-stack.ts';
import { namespaceOf } from '../api/names.ts';
import type { PlannedCondition } from '../api/reasons.ts';
import { ApiError } from '../runtime/client.ts';
import { isKubernetesAction } from '../runtime/cluster.ts';
import { listed } from '../runtime/listed.ts';
import type { Millis } from '../runtime/objects.ts';
import { readyOf } from './conditions.ts';
import type { StackAction, StackPlan } from './types.ts';

/*
 * An object that the API server refuses for good stays refused however often it is sent, so it is no failure to retry but
 * the condition of its feature. No observation shows it: each pass sends the object, and amends its own report.
 *
 *   plan ──► perform ──► 422 ──► Refusal ──► withRefusals ──► the report of the same pass
 */

/** An object that the API server refuses until somebody changes what it is made from. */
export interface Refusal {
  readonly feature: StackAction['feature'];
  readonly object: string;
  /** Field and cause, in the API server's words. */
  readonly cause: string;
}

/** What an action met, where that is a refusal; a refused right (403) is none, for it may be granted at any time. */
export function refusalOf({ feature, action }: StackAction, error: unknown): Refusal | undefined {
  if (!isRefusal(error) || !isKubernetesAction(action)) return undefined;
  const { kind } = action.kind;
  const { name } = 'object' in action ? action.object.metadata : action.target;
  return { feature, object: `${kind} ${name}`, cause: causeIn(error) };
}

/** 422: invalid. 400: not even an object of its kind, a quantity that cannot be parsed, say. */
function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 422 || error.status === 400);
}

/** `Ingress.networking.k8s.io "shop-auth" is invalid: spec.rules[0].host: Invalid value …` → from the field on. */
function causeIn({ message }: ApiError): string {
  const [, fields] = / is invalid: (.+)/s.exec(message) ?? [];
  return (fields ?? message.replace(/^[A-Z]+ \S+: /, '')).slice(0, MOST);
}

const MOST = 500;

type FeatureCondition = 'DatabaseReady' | 'KeysReady' | 'AuthReady' | 'ConsumersInSync';

const conditionOf: Readonly<Record<StackAction['feature'], FeatureCondition>> = {
  certificates: 'DatabaseReady',
  mongodb: 'DatabaseReady',
  signingKeys: 'KeysReady',
  authService: 'AuthReady',
  consumers: 'ConsumersInSync',
};

function isOfFeature(type: string): type is FeatureCondition {
  return Object.values<string>(conditionOf).includes(type);
}

/** What is wrong may lie outside of the stack, in an admission policy, say. */
const RECHECK: Millis = 60_000;

/** The report of a pass some of whose objects were refused. What serves keeps serving, so True stays True. */
export function withRefusals(
  plan: StackPlan,
  refusals: readonly Refusal[],
  { stack, now }: { readonly stack: AuthStack; readonly now: Millis },
): StackPlan {
  if (refusals.length === 0) return plan;
  const messages = Map.groupBy(refusals, ({ feature }) => conditionOf[feature]);
  const amend = (condition: PlannedCondition): PlannedCondition => {
    const { type } = condition;
    const refused = isOfFeature(type) ? messages.get(type) : undefined;
    if (!isOfFeature(type) || !refused) return condition;
    const message = `${messageOf(stack, refused)}. Besides, ${condition.reason}: ${condition.message}`;
    return { type, status: condition.status === 'True' ? 'True' : 'False', reason: 'ObjectRefused', message };
  };
  const conditions = plan.conditions.map(amend);
  const message = messageOf(stack, refusals);
  const stalled: PlannedCondition<'Stalled'> = { type: 'Stalled', status: 'True', reason: 'ObjectRefused', message };
  return {
    ...plan,
    conditions: conditions.map((condition) => {
      if (condition.type === 'Ready') return readyOf(conditions);
      return condition.type === 'Stalled' ? stalled : condition;
    }),
    events: [...plan.events, { type: 'Warning', reason: 'ObjectRefused', message }],
    recheckAt: Math.min(plan.recheckAt ?? Infinity, now + RECHECK),
  };
}

function messageOf(stack: AuthStack, refusals: readonly Refusal[]): string {
  const objects = listed(refusals.map(({ object, cause }) => `${object}: ${cause}`));
  const way = `kubectl -n ${namespaceOf(stack)} edit authstack ${stack.metadata.name}`;
  return `The API server refuses ${objects}. Correct the field that it comes from: ${way}`;
}
