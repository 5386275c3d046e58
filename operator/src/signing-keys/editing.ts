import { namespaceOf } from '../api/names.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { ObjectRef } from '../runtime/objects.ts';
import type { NextKey } from '../stored/key-ring.ts';
import type { Ring } from './ring.ts';
import type { KeysVerdict, RingEdit } from './types.ts';

export function stackRef(stack: AuthStack): ObjectRef {
  return { namespace: namespaceOf(stack), name: stack.metadata.name };
}

/** An edit of the ring, bound to the version that was seen. */
export function editing({ stack, resourceVersion, active }: Ring, edit: RingEdit, message: string): KeysVerdict {
  return {
    status: active ? 'True' : 'False',
    reason: active ? 'UpToDate' : 'CreatingKeys',
    message,
    actions: [{ type: 'editRing', stack: stackRef(stack), resourceVersion, edit }],
  };
}

export function promoting(ring: Ring, { kid }: NextKey, why: string): KeysVerdict {
  const { stack, resourceVersion, policy, active } = ring;
  const edit = { type: 'promote', kid, algorithm: policy.algorithm } as const;
  const event = { type: 'Normal', reason: 'KeyPromoted', message: `${kid} signs from now on: ${why}` } as const;
  return {
    status: active ? 'True' : 'False',
    reason: active ? 'UpToDate' : 'CreatingKeys',
    message: `Promoting ${kid}: ${why}`,
    actions: [{ type: 'editRing', stack: stackRef(stack), resourceVersion, edit, event }],
  };
}
