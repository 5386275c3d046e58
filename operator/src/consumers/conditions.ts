import { needsRecheck } from '../api/reasons.ts';
import { LOOK_AGAIN } from '../planning.ts';
import type { Plan } from '../planning.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';
import type { ConsumerAction, ConsumerStatus, ConsumerVerdict } from './types.ts';

export type ConsumerPlan = Plan<ConsumerAction, ConsumerStatus>;

/** Of one that has no copy. */
export const noStatus: ConsumerStatus = {
  kids: undefined,
  acknowledgedKids: undefined,
  revokedKeys: undefined,
  lastSyncTime: undefined,
};

/** The plan of an AuthConsumer always states both conditions and every field of the status. */
export function consumerPlan(
  { accepted, inSync, actions = [], recheckAt }: ConsumerVerdict,
  { now, status }: { readonly now: Millis; readonly status: ConsumerStatus },
): ConsumerPlan {
  const isUnwatched = needsRecheck('Accepted', accepted.reason) || needsRecheck('InSync', inSync.reason);
  return {
    actions,
    conditions: [
      { type: 'Accepted', ...accepted },
      { type: 'InSync', ...inSync },
    ],
    status,
    ...(recheckAt !== undefined && { recheckAt }),
    ...(isUnwatched && { recheckAt: now + LOOK_AGAIN }),
  };
}

export function remove({ metadata: { name, namespace = '', uid = '' } }: Secret): ConsumerAction {
  return { type: 'delete', kind: secretKind, target: { name, namespace, uid } };
}
