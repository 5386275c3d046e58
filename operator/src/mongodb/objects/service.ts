import type { AuthStack } from '../../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf, ownedBy, selectorOf } from '../../api/names.ts';
import type { KubernetesObject } from '../../runtime/objects.ts';
import { MONGOD_PORT } from '../members/addresses.ts';

/** Gives each member its name, also before it is ready: members must find each other to become so. */
export function membersService(stack: AuthStack): KubernetesObject {
  const object = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: objectMeta(stack),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: selectorOf(stack, 'mongodb'),
      ports: [{ name: 'mongodb', port: MONGOD_PORT, targetPort: 'mongodb' }],
    },
  };
  return object;
}

/** One member at a time may be evicted. A set of one has none: its budget would stop every drain. */
export function membersBudget(stack: AuthStack): KubernetesObject {
  const object = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: objectMeta(stack),
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(stack, 'mongodb') } },
  };
  return object;
}

function objectMeta(stack: AuthStack): KubernetesObject['metadata'] {
  return {
    name: namesOf(stack.metadata.name).mongodb,
    namespace: namespaceOf(stack),
    labels: labelsOf(stack, 'mongodb'),
    ownerReferences: ownedBy(stack),
  };
}
