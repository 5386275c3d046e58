import type { MongodbAction } from '../members/types.ts';
import { desiredObjects } from '../objects/desired.ts';
import { memberCount } from './context.ts';
import type { ReplicaSetContext } from './context.ts';

export function desiredMembers(context: ReplicaSetContext): readonly MongodbAction[] {
  const { seen, identity, target } = context;
  return desiredObjects(seen, { version: target.version, replicas: memberCount(seen, identity) });
}
