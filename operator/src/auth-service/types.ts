import type { AuthStack } from '../api/auth-stack.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import type { Deployment, Pod } from '../runtime/core-kinds.ts';
import type { KubernetesObject, Millis } from '../runtime/objects.ts';
import type { Plan } from '../planning.ts';

export interface AuthImages {
  /** The chart's image; spec.auth.image overrides it. */
  readonly auth: string;
  readonly pullPolicy: string;
}

/** The Secret with pepper, refresh and TOTP keys. */
export type SeenAuthSecrets =
  | { readonly state: 'whole' }
  | { readonly state: 'absent' }
  /** A Secret of that name without our labels. */
  | { readonly state: 'foreign' }
  | { readonly state: 'malformed'; readonly why: string };

export type SeenInitialAdmin =
  | { readonly state: 'notAsked' }
  /** The pods have it already; whether it is still there does not matter any more. */
  | { readonly state: 'mounted' }
  | { readonly state: 'found' }
  | { readonly state: 'missing' }
  | { readonly state: 'incomplete'; readonly key: 'email' | 'password' };

/** Everything the plan may look at, already read; there is nothing in here to await. */
export interface AuthServiceObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly images: AuthImages;
  readonly secrets: SeenAuthSecrets;
  /** What shows that users may exist whose passwords need the pepper; absent: the stack has never started. */
  readonly signOfLife?: string;
  /** There is a connection string for the pods. */
  readonly hasDatabaseUri: boolean;
  readonly hasSigningKeys: boolean;
  readonly initialAdmin: SeenInitialAdmin;
  readonly deployment?: Deployment;
  readonly pods: readonly Pod[];
  readonly podDisruptionBudget?: KubernetesObject;
  readonly ingress?: KubernetesObject;
}

export type AuthServiceAction = KubernetesAction | CreateAuthSecrets;

export interface CreateAuthSecrets {
  readonly type: 'createAuthSecrets';
  readonly stack: AuthStack;
}

export interface AuthServicePlan extends Plan<AuthServiceAction, undefined> {
  /** Must stand before the database is founded: that makes "founded, but no Secret" mean lost. */
  readonly foundations: readonly CreateAuthSecrets[];
}

/** Reasons of AuthReady: the table in docs/operations.md. */
export type AuthReadyReason =
  | 'AllReplicasAvailable'
  | 'DatabaseUriNotFound'
  | 'SomeReplicasUnavailable'
  | 'RollingOut'
  | 'Starting'
  | 'SecretLost'
  | 'SecretNotOwned'
  | 'SecretMalformed'
  | 'WaitingForDatabase'
  | 'WaitingForSigningKeys'
  | 'InitialAdminSecretNotFound'
  | 'InitialAdminSecretIncomplete'
  | 'ImageNotPullable'
  | 'ContainerConfigInvalid'
  | 'ContainerCrashes'
  | 'PodUnschedulable'
  | 'PodsNotCreated'
  | 'NotReady';
