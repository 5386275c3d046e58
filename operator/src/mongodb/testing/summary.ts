import { isKubernetesAction } from '../../runtime/cluster.ts';
import type { DeletionTarget } from '../../runtime/cluster.ts';
import type { MongodbAction, ReachableMember } from '../members/action.ts';
import type { MongodbObservation } from '../members/observation.ts';
import { planMongodb } from '../plan.ts';
import type { MongodbPlan } from '../plan.ts';
import { seen } from './seen.ts';

/** What a pass sees that differs from three healthy members. */
export type Change = Partial<MongodbObservation>;
export type Case = [law: string, change: Change, ready: string, does: object[]];

export interface Summary {
  readonly ready: string;
  readonly message: string;
  readonly does: object[];
}

const decode = (data: Readonly<Record<string, string>> = {}): object =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, atob(value)]));

/** An action in short; objects that are merely applied (Service, StatefulSet …) are left out. */
function brief({ event: _event, ...action }: MongodbAction): object[] {
  if (action.type === 'apply') return [];
  if ('member' in action) {
    const { type, stack: _stack, member, ...rest } = action;
    return [{ [type]: member.name, ...rest }];
  }
  return [briefOfObjects(action)];
}

function briefOfObjects(action: Exclude<MongodbAction, { readonly member: ReachableMember }>): object {
  if (!isKubernetesAction(action)) return { [action.type]: true };
  switch (action.type) {
    case 'apply':
    case 'create':
    case 'replace': {
      const { object } = action as { object: { data?: Readonly<Record<string, string>> } };
      return { [action.type]: action.object.metadata.name, ...(object.data && decode(object.data)) };
    }
    case 'delete':
      return { delete: action.target.name, ...graceOf(action.target) };
    case 'patch':
      return { patch: action.target.name, ...action.patch };
  }
}

export function summary(plan: MongodbPlan): Summary {
  const [{ status, reason, message } = { status: '', reason: '', message: '' }] = plan.conditions;
  return { ready: `${status}/${reason}`, message, does: plan.actions.flatMap(brief) };
}

/** The plan for what differs from three healthy members. */
export function now(change: Change): Summary {
  return summary(planMongodb(seen(change)));
}

/** The identity is stored with these texts among others. */
export function replaced(data: object): object {
  return { replace: 'shop-mongodb-identity', ...data };
}

function graceOf({ gracePeriodSeconds }: DeletionTarget): object {
  return gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
}
