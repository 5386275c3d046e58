import type { AuthConsumer, AuthConsumerStatus } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Verifier } from '../auth-pods/verifiers.ts';
import type { ReasonOf } from '../api/reasons.ts';
import type { KubernetesAction, NamespaceWatch } from '../runtime/cluster.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { ConditionStatus, Millis } from '../runtime/objects.ts';
import type { SeenIssuer } from '../runtime/service-account-issuer.ts';
import type { Kid, PublicJwk, RevokedKey } from '../stored/jwks.ts';

/** The Secret that the consumer names, as it is now. */
export type SeenCopy =
  | { readonly state: 'absent' }
  /** It carries no label of a copy. */
  | { readonly state: 'foreign' }
  /** The copy of another AuthConsumer. */
  | { readonly state: 'ofAnother'; readonly consumer: string }
  /** A copy whose AuthConsumer is gone, or was deleted and created again. */
  | { readonly state: 'orphaned'; readonly secret: Secret }
  | { readonly state: 'ours'; readonly secret: Secret };

/** Everything the plan may look at, already read; there is nothing in here to await. */
export interface ConsumerObservation {
  readonly consumer: AuthConsumer;
  readonly now: Millis;
  /** Absent: there is no such stack, or it is Terminating. */
  readonly stack?: AuthStack;
  /** Whether the operator would see the stack at all. */
  readonly stackNamespace: NamespaceWatch;
  /** Labels of the consumer's namespace; absent while the namespace is not known. */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  readonly copy: SeenCopy;
  /** Copies that this consumer has under other names: its secretName changed. */
  readonly formerCopies: readonly Secret[];
  /** Public keys of the stack; absent while it has none. */
  readonly keys?: readonly PublicJwk[];
  /** Keys of the stack that were taken away; absent while that is not known. */
  readonly revoked?: readonly RevokedKey[];
  /** PEM certificate of the stack's CA; absent while it has none. */
  readonly authority?: string;
  readonly credential: SeenCredential;
  /** The instances of the service that are connected to an auth pod. */
  readonly verifiers: readonly Verifier[];
}

/** What the consumer authenticates to the auth service with. */
export type SeenCredential =
  /** Absent: the stack has not recorded it yet. A copy gets none that the auth pods cannot know. */
  | { readonly type: 'secret'; readonly secret?: string }
  | {
      readonly type: 'serviceAccount';
      readonly name: string;
      readonly exists: boolean;
      /** Who signs its tokens. */
      readonly issuer: SeenIssuer;
    };

export type ConsumerAction = KubernetesAction;

export interface ConsumerStatus {
  /** Keys in the Secret as it was observed. */
  readonly kids: readonly Kid[] | undefined;
  /** What every connected instance has in its memory; undefined: none is connected. */
  readonly acknowledgedKids: readonly Kid[] | undefined;
  readonly revokedKeys: AuthConsumerStatus['revokedKeys'] | undefined;
  readonly lastSyncTime: string | undefined;
}

export interface Reported<Type extends 'Accepted' | 'InSync'> {
  readonly status: ConditionStatus;
  readonly reason: ReasonOf<Type>;
  readonly message: string;
}

/** What a rule answers: both conditions of the AuthConsumer, and what is done about its Secret. */
export interface ConsumerVerdict {
  readonly accepted: Reported<'Accepted'>;
  readonly inSync: Reported<'InSync'>;
  readonly actions?: readonly ConsumerAction[];
  /** What no change announces. */
  readonly recheckAt?: Millis;
}
