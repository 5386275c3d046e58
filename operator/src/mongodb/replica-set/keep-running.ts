import type { MongodbAction } from '../members/action.ts';
import { desiredObjects } from '../objects/desired.ts';
import { memberCount } from './context.ts';
import type { ReplicaSetContext } from './context.ts';
import { nextGrowth } from './growth.ts';

/**
 * What a verdict that acts on the set does: the objects, then its own actions, then the growth of volumes. Growth also
 * without a primary, for full volumes may be why there is none; and last, so that it holds nothing up.
 */
export function keepRunning(
  context: ReplicaSetContext,
  actions: readonly MongodbAction[] = [],
): readonly MongodbAction[] {
  return [...membersObjects(context), ...actions, ...(nextGrowth(context.seen)?.actions ?? [])];
}

/** The objects alone, where nothing may be changed that cannot be undone. */
export function membersObjects({ seen, identity, target }: ReplicaSetContext): readonly MongodbAction[] {
  return desiredObjects(seen, { version: target.version, replicas: memberCount(seen, identity) });
}
