import type { AuthStack } from '../../api/auth-stack.ts';
import { labelsOf, namespaceOf } from '../../api/names.ts';
import type { KubernetesObject } from '../../runtime/objects.ts';
import { claimName } from '../members/addresses.ts';

/** The claim of a member, as the StatefulSet would create it; the first member's must exist before the StatefulSet does. */
export function memberClaim(stack: AuthStack, ordinal: number): KubernetesObject {
  const { size } = stack.spec.mongodb.storage;
  const object = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: claimName(stack, ordinal), namespace: namespaceOf(stack), labels: labelsOf(stack, 'mongodb') },
    spec: claimSpec(stack, size),
  };
  return object;
}

export function claimSpec(stack: AuthStack, size: string): object {
  const { className } = stack.spec.mongodb.storage;
  return {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: size } },
    ...(className !== undefined && { storageClassName: className }),
  };
}
