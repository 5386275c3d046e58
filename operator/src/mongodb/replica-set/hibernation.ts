import { listed } from '../../runtime/listed.ts';
import { acting } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { desiredObjects } from '../objects/desired.ts';
import type { ReplicaSetContext } from './context.ts';

/** All objects stay, and no member runs. Somebody asked for it, so it never counts as stalled. */
export function theStackIsHibernated({ seen, identity }: ReplicaSetContext): DatabaseVerdict | undefined {
  if (!seen.stack.spec.mongodb.hibernate) return undefined;
  const running = seen.members.filter(({ pod }) => pod).map(({ name }) => name);
  const state = running.length === 0 ? 'No member runs' : `Stopping ${listed(running)}`;
  const message = `${state}; the volumes stay. To resume, set spec.mongodb.hibernate: false`;
  const actions = desiredObjects(seen, { version: identity.version, replicas: 0 });
  return { ...acting('False', 'Hibernated', message, actions), stalls: 'never' };
}
