import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';

/** The Secret that the consumer names, as it is now. */
export type SeenCopy =
  | { readonly state: 'absent' }
  /** Not made by the operator. */
  | { readonly state: 'foreign' }
  /** The copy of another AuthConsumer. */
  | { readonly state: 'ofAnother'; readonly consumer: string }
  | { readonly state: 'ours'; readonly secret: Secret };

/** Everything the plan may look at, already read; there is nothing in here to await. */
export interface ConsumerObservation {
  readonly consumer: AuthConsumer;
  readonly now: Millis;
  /** Absent: there is no such stack, or it is being deleted. */
  readonly stack?: AuthStack;
  /** Labels of the consumer's namespace; absent while the namespace is not known. */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  readonly copy: SeenCopy;
  /** Copies this consumer has under other names: its secretName changed. */
  readonly formerCopies: readonly Secret[];
  /** Public keys of the stack, `jwks.json` as text; absent while it has none. */
  readonly jwks?: string;
  /** PEM certificate of the stack's CA; absent while it has none. */
  readonly authority?: string;
}

export type ConsumerAction = KubernetesAction;

export type AcceptedReason =
  | 'Accepted'
  | 'StackNotFound'
  | 'StackInvalid'
  | 'SpecInvalid'
  | 'NamespaceNotAllowed'
  | 'AudienceNotAllowed'
  | 'SecretNotOwned'
  | 'SecretInUse';

export type InSyncReason =
  | 'InSync'
  | 'Writing'
  | 'WaitingForKeys'
  | 'NotAccepted'
  | 'StackNotFound'
  | 'StackInvalid'
  | 'StackSuspended'
  | 'SpecInvalid';

export interface ConsumerStatus {
  readonly kids?: readonly string[] | undefined;
  readonly lastSyncTime?: string | undefined;
}
