import type { DeletionTarget } from '../../runtime/cluster.ts';
import type { MongodbAction, ReachableMember } from '../members/types.ts';
import type { MongodbPlan } from '../plan.ts';

const decode = (data: Readonly<Record<string, string>> = {}): object =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, atob(value)]));

/** An action in short; what merely stands (Service, StatefulSet …) is left out. */
function brief(action: MongodbAction): object[] {
  if (action.type === 'apply') return [];
  if (action.type === 'ensureUsers') return [{ ensureUsers: action.member.name }, ...brief(action.then)];
  if ('member' in action) {
    const { type, stack: _stack, member, ...rest } = action;
    return [{ [type]: member.name, ...rest }];
  }
  return [briefOfObjects(action)];
}

function briefOfObjects(action: Exclude<MongodbAction, { readonly member: ReachableMember }>): object {
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
    case 'createUser':
      return { createUser: action.user };
    case 'createKeyfile':
    case 'refreshUri':
      return { [action.type]: true };
  }
}

export function summary(plan: MongodbPlan): { ready: string; message: string; does: object[] } {
  const [{ status, reason, message } = { status: '', reason: '', message: '' }] = plan.conditions;
  return { ready: `${status}/${reason}`, message, does: plan.actions.flatMap(brief) };
}

function graceOf({ gracePeriodSeconds }: DeletionTarget): object {
  return gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
}
