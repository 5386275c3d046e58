import { authContract } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { IN_SERVICE, SERVING_LABEL, namesOf, selectorOf } from '../api/names.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import { objectMeta, PORT_NAMES } from './object-meta.ts';

/** How the auth service's pods are reached, and whom they may reach. */

export interface ServiceOptions {
  /** Whether it asks for the label that the operator sets. */
  readonly selectsServing: boolean;
}

export function authService(stack: AuthStack, { selectsServing }: ServiceOptions): KubernetesObject {
  const { publicPort, servicePort } = authContract;
  const spec = {
    type: 'ClusterIP',
    selector: { ...selectorOf(stack, 'auth'), ...(selectsServing && { [SERVING_LABEL]: IN_SERVICE }) },
    ports: [
      { name: PORT_NAMES.public, port: publicPort, targetPort: PORT_NAMES.public, protocol: 'TCP' },
      { name: PORT_NAMES.services, port: servicePort, targetPort: PORT_NAMES.services, protocol: 'TCP' },
    ],
  };
  return { apiVersion: 'v1', kind: 'Service', metadata: objectMeta(stack), spec } as KubernetesObject;
}

export function authIngress(stack: AuthStack): KubernetesObject {
  const { ingress = {} } = stack.spec.auth;
  const host = new URL(stack.spec.publicURL).hostname;
  const backend = { service: { name: namesOf(stack.metadata.name).auth, port: { name: PORT_NAMES.public } } };
  const spec = {
    ...(ingress.className !== undefined && { ingressClassName: ingress.className }),
    ...(ingress.tlsSecretName !== undefined && { tls: [{ hosts: [host], secretName: ingress.tlsSecretName }] }),
    rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
  };
  const metadata = objectMeta(stack);
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec } as KubernetesObject;
}

/** The pods answer on their ports, and connect to nothing but the database and the cluster's DNS. */
export function authNetworkPolicy(stack: AuthStack): KubernetesObject {
  const tcp = (port: number): object => ({ protocol: 'TCP', port });
  const { publicPort, servicePort, probePort, operatorPort } = authContract;
  const spec = {
    podSelector: { matchLabels: selectorOf(stack, 'auth') },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { ports: [tcp(publicPort), tcp(probePort)] },
      // Pods of the namespaces that may hold consumers; who else is there is refused by the listener.
      ...consumersOf(stack).map((from) => ({ from: [from], ports: [tcp(servicePort)] })),
      // The operator's pods, in whatever namespace; who else has their label is refused in the handshake.
      { from: [{ namespaceSelector: {}, podSelector: { matchLabels: PART_OF } }], ports: [tcp(operatorPort)] },
    ],
    egress: [
      { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] },
      // Only its connection string knows where an external database listens.
      stack.spec.mongodb.external
        ? {}
        : { to: [{ podSelector: { matchLabels: selectorOf(stack, 'mongodb') } }], ports: [tcp(MONGOD_PORT)] },
    ],
  };
  const metadata = objectMeta(stack);
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec } as KubernetesObject;
}

/** As `spec.consumers.allowedNamespaces` says it. Never an empty list of peers, which would be everybody. */
function consumersOf({ spec }: AuthStack): readonly object[] {
  const { from, selector } = spec.consumers.allowedNamespaces;
  switch (from) {
    case 'Same':
      return [{ podSelector: {} }];
    case 'All':
      return [{ namespaceSelector: {} }];
    case 'Selector':
      return selector ? [{ namespaceSelector: selector }] : [];
  }
}

/** Of the chart's pods. */
const PART_OF = { 'app.kubernetes.io/part-of': 'authstack' };

/** MongoDB's own default. */
const MONGOD_PORT = 27017;
