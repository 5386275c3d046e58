import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf, ownedBy } from '../api/names.ts';
import type { ObjectMeta } from '../runtime/objects.ts';

/** Of every object of the auth service: they share one name, and go with the stack. */
export function objectMeta(stack: AuthStack): ObjectMeta {
  return {
    name: namesOf(stack.metadata.name).auth,
    namespace: namespaceOf(stack),
    labels: labelsOf(stack, 'auth'),
    ownerReferences: ownedBy(stack),
  };
}

/** Of the container; Service, probes and the chart's PodMonitor name them. */
export const PORT_NAMES = { public: 'http', services: 'services', probes: 'probes', operator: 'operator' } as const;
