import type { AuthStack } from '../api/auth-stack.ts';
import type { Plan, Verdict } from '../planning.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import type { Deployment, Pod } from '../runtime/core-kinds.ts';
import type { KubernetesObject, Millis, ObjectRef } from '../runtime/objects.ts';
import type { SeenAuthSecrets } from '../stored/auth-secrets.ts';
import type { SeenDatabaseUri } from '../stored/database-uri.ts';
import type { Lifetimes } from '../stored/jwks.ts';
import type { ServingPod } from './serving.ts';

export interface AuthImages {
  /** The chart's image; spec.auth.image overrides it. */
  readonly auth: string;
  readonly pullPolicy: string;
}

/** Whether passwords may exist that need a pepper which is not there; looked for only while the Secret is absent. */
export type EarlierStart =
  | { readonly state: 'none' }
  | { readonly state: 'evident'; readonly evidence: string }
  /** Only the external database can tell, and it cannot be read. */
  | { readonly state: 'unknown'; readonly problem: string };

/** The Secret with pepper, refresh and TOTP keys. */
export type ObservedAuthSecrets =
  Exclude<SeenAuthSecrets, { state: 'absent' }> | { readonly state: 'absent'; readonly earlierStart: EarlierStart };

export type SeenInitialAdmin =
  | { readonly state: 'notAsked' }
  /** The pods have it already; whether it is still there does not matter any more. */
  | { readonly state: 'mounted' }
  | { readonly state: 'present' }
  | { readonly state: 'missing' }
  | { readonly state: 'incomplete'; readonly key: string };

/** How long tokens live and key sets are cached, as far as the retirement of keys counts on it. */
export type NotedLifetimes = Pick<Lifetimes, 'accessTokenTtl' | 'jwksMaxAge'>;

/** Everything that the plan depends on, already read. */
export interface AuthServiceObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly images: AuthImages;
  readonly secrets: ObservedAuthSecrets;
  readonly databaseUri: SeenDatabaseUri;
  readonly keyRing: 'absent' | 'foreign' | 'present';
  /** Of the ring, or of the published keys where it cannot be read. */
  readonly notedLifetimes: NotedLifetimes | undefined;
  /** The owner's Secrets with keys that the key ring is wrapped with, or is to be. */
  readonly wrappingSecrets: readonly string[];
  /** The Secret with the pods' certificate; one that is damaged is issued again, and they reread it. */
  readonly certificate: 'absent' | 'foreign' | 'present';
  readonly initialAdmin: SeenInitialAdmin;
  readonly deployment?: Deployment;
  readonly pods: readonly Pod[];
  /** Those that are not Terminating, with whether each can be reached. */
  readonly serving: readonly ServingPod[];
  readonly podDisruptionBudget?: KubernetesObject;
  readonly ingress?: KubernetesObject;
}

export type AuthServiceAction = KubernetesAction | CreateAuthSecrets;

export interface CreateAuthSecrets {
  readonly type: 'createAuthSecrets';
  /** The AuthStack. */
  readonly stack: ObjectRef;
}

export interface AuthServicePlan extends Plan<AuthServiceAction, undefined> {
  /** Must exist before the database is initiated: that makes "initiated, but no Secret" mean lost. */
  readonly foundations: readonly CreateAuthSecrets[];
}

export type AuthVerdict = Verdict<'AuthReady', AuthServiceAction>;
