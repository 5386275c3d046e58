import type { ObjectRef } from '../runtime/objects.ts';
import type { AuthStack } from './auth-stack.ts';

export const FIELD_MANAGER = 'authstack-operator';
/** What the watches select by, and what the admission policy asks of every object that the operator writes. */
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
export const FINALIZER = 'authstack.dev/cleanup';
export const STACK_LABEL = 'authstack.dev/stack';
export const STACK_NAMESPACE_LABEL = 'authstack.dev/stack-namespace';
export const CONSUMER_LABEL = 'authstack.dev/consumer';
/** Index of the AuthConsumers that name a stack, by its `namespace/name`. */
export const CONSUMERS_BY_STACK = 'stack';
/** Index of the AuthConsumers that name a Secret, by its `namespace/name`. */
export const CONSUMERS_BY_SECRET = 'secret';
/** Index of the AuthConsumers that name a ServiceAccount, by its `namespace/name`. */
export const CONSUMERS_BY_SERVICE_ACCOUNT = 'serviceAccount';
/** Of pods of the auth service: whether their Service sends to them. Only the operator sets it. */
export const SERVING_LABEL = 'authstack.dev/serving';
export const IN_SERVICE = 'true';
export const OUT_OF_SERVICE = 'false';
export const APPLIED_HASH_ANNOTATION = 'authstack.dev/applied-hash';

export type Component = 'mongodb' | 'auth' | 'signing-keys' | 'certificates' | 'clients' | 'consumer';

/** Labels of every object the operator makes (Kubernetes' recommended labels and our own). */
export function labelsOf(
  stack: { readonly metadata: { readonly name: string } },
  component: Component,
): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'authstack',
    'app.kubernetes.io/instance': stack.metadata.name,
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/part-of': 'authstack',
    [MANAGED_BY_LABEL]: FIELD_MANAGER,
    [STACK_LABEL]: stack.metadata.name,
  };
}

/** A selector is immutable, so it holds only what never changes. */
export function selectorOf(
  stack: { readonly metadata: { readonly name: string } },
  component: Component,
): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'authstack',
    'app.kubernetes.io/instance': stack.metadata.name,
    'app.kubernetes.io/component': component,
  };
}

/** Names of a stack's objects, all in its own namespace. */
export interface StackNames {
  readonly mongodb: string;
  readonly identity: string;
  readonly keyfile: string;
  readonly rootUser: string;
  readonly authUser: string;
  readonly agentTls: string;
  readonly authTls: string;
  readonly ca: string;
  readonly signingKeys: string;
  readonly jwks: string;
  readonly authSecrets: string;
  readonly clients: string;
  readonly clientKey: string;
  readonly auth: string;
}

export function namesOf(stackName: string): StackNames {
  return {
    mongodb: `${stackName}-mongodb`,
    identity: `${stackName}-mongodb-identity`,
    keyfile: `${stackName}-mongodb-keyfile`,
    rootUser: `${stackName}-mongodb-root`,
    authUser: `${stackName}-mongodb-auth-user`,
    agentTls: `${stackName}-mongodb-agent-tls`,
    authTls: `${stackName}-auth-tls`,
    ca: `${stackName}-ca`,
    signingKeys: `${stackName}-signing-keys`,
    jwks: `${stackName}-jwks`,
    authSecrets: `${stackName}-auth-secrets`,
    clients: `${stackName}-clients`,
    clientKey: `${stackName}-client-key`,
    auth: `${stackName}-auth`,
  };
}

/** The Service of the auth pods as TLS clients know it; each pod's certificate has this name, whatever address it is asked at. */
export function authHostOf({ namespace = '', name }: ObjectRef): string {
  return `${namesOf(name).auth}.${namespace}.svc`;
}

/** For objects that are deleted with the stack: never volumes, identity or credentials, which may outlive it. */
export function ownedBy(stack: AuthStack): {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller: true;
  blockOwnerDeletion: true;
}[] {
  const { apiVersion, kind, metadata } = stack;
  return [
    { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true },
  ];
}

/** AuthStacks are namespaced, so the API server always fills this in. */
export function namespaceOf({ metadata }: { readonly metadata: { readonly namespace?: string } }): string {
  return metadata.namespace ?? '';
}
