import type { AuthStack } from '../api/auth-stack.ts';
import type { AuthServiceAction, AuthServiceObservation } from '../auth-service/types.ts';
import type { CertificatesAction, CertificatesObservation } from '../certificates/types.ts';
import type { ClientsAction, ClientsObservation } from '../consumers/clients/types.ts';
import type { StackConsumersObservation } from '../consumers/summary.ts';
import type { ExternalDatabaseObservation } from '../external-database/observe.ts';
import type { MongodbAction } from '../mongodb/members/action.ts';
import type { MongodbObservation } from '../mongodb/members/observation.ts';
import type { PlannedCondition } from '../api/reasons.ts';
import type { ReportedEvent } from '../runtime/reconciler.ts';
import type { Millis } from '../runtime/objects.ts';
import type { KeysObservation, SigningKeysAction } from '../signing-keys/types.ts';

/** What every feature saw, already read; there is nothing in here to await. */
export interface StackObservation {
  readonly stack: AuthStack;
  readonly certificates: CertificatesObservation;
  readonly database: DatabaseObservation;
  readonly signingKeys: KeysObservation;
  readonly authService: AuthServiceObservation;
  readonly clients: ClientsObservation;
  readonly consumers: StackConsumersObservation;
}

export type DatabaseObservation =
  | { readonly type: 'mongodb'; readonly seen: MongodbObservation }
  | { readonly type: 'external'; readonly seen: ExternalDatabaseObservation };

/** An action with the feature that performs it. */
export type StackAction =
  | { readonly feature: 'certificates'; readonly action: CertificatesAction }
  | { readonly feature: 'mongodb'; readonly action: MongodbAction }
  | { readonly feature: 'signingKeys'; readonly action: SigningKeysAction }
  | { readonly feature: 'authService'; readonly action: AuthServiceAction }
  | { readonly feature: 'consumers'; readonly action: ClientsAction };

export interface StackPlan {
  /** Done first, in this order; when one fails nothing else is tried. */
  readonly foundations: readonly StackAction[];
  /** One list per feature: a feature that fails does not hold the others back. */
  readonly branches: readonly (readonly StackAction[])[];
  readonly conditions: readonly PlannedCondition[];
  readonly status: Readonly<Record<string, unknown>>;
  /** Of what no action reports: an action carries the event that it causes. */
  readonly events: readonly ReportedEvent[];
  readonly recheckAt?: Millis;
}
