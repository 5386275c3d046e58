import { authContract } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf, ownedBy, selectorOf } from '../api/names.ts';
import type { Component } from '../api/names.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import { PUBLIC_PORT } from './deployment.ts';

/** What stands around the auth service's pods: how they are reached, and what may happen to them. */

export function authService(stack: AuthStack): KubernetesObject {
  return object(stack, 'v1', {
    kind: 'Service',
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(stack, 'auth'),
      ports: [{ name: 'http', port: PUBLIC_PORT, targetPort: 'http', protocol: 'TCP' }],
    },
  });
}

export function authPodDisruptionBudget(stack: AuthStack): KubernetesObject {
  return object(stack, 'policy/v1', {
    kind: 'PodDisruptionBudget',
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(stack, 'auth') } },
  });
}

export function authIngress(stack: AuthStack): KubernetesObject {
  const { ingress = {} } = stack.spec.auth;
  const host = new URL(stack.spec.publicURL).hostname;
  const backend = { service: { name: namesOf(stack.metadata.name).auth, port: { name: 'http' } } };
  return object(stack, 'networking.k8s.io/v1', {
    kind: 'Ingress',
    spec: {
      ...(ingress.className !== undefined && { ingressClassName: ingress.className }),
      ...(ingress.tlsSecretName !== undefined && { tls: [{ hosts: [host], secretName: ingress.tlsSecretName }] }),
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  });
}

/** The pods answer on their two ports and speak to nobody but the database and the cluster's DNS. */
export function authNetworkPolicy(stack: AuthStack): KubernetesObject {
  const tcp = (port: number): object => ({ protocol: 'TCP', port });
  return object(stack, 'networking.k8s.io/v1', {
    kind: 'NetworkPolicy',
    spec: {
      podSelector: { matchLabels: selectorOf(stack, 'auth') },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [tcp(PUBLIC_PORT), tcp(authContract.probePort)] }],
      egress: [
        { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] },
        // Where a database of somebody else listens only its connection string tells.
        stack.spec.mongodb.external
          ? {}
          : { to: [{ podSelector: { matchLabels: selectorOf(stack, 'mongodb') } }], ports: [tcp(27017)] },
      ],
    },
  });
}

interface Content {
  readonly kind: string;
  readonly spec: object;
}

function object(stack: AuthStack, apiVersion: string, { kind, spec }: Content): KubernetesObject {
  const component: Component = 'auth';
  return {
    apiVersion,
    kind,
    metadata: {
      name: namesOf(stack.metadata.name).auth,
      namespace: stack.metadata.namespace ?? '',
      labels: labelsOf(stack, component),
      ownerReferences: ownedBy(stack),
    },
    spec,
  } as KubernetesObject;
}
