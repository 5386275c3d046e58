import type { PodStatus } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import type { AuthPod } from '../auth-pods/observe.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';

export interface ExternalDatabaseObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly users: readonly DatabaseUser[];
}

/** A pod of the auth service, asked how it fares with a database of somebody else's. */
export interface DatabaseUser {
  readonly pod: string;
  /** It has reached the database once. */
  readonly isReady: boolean;
  readonly database: PodStatus['database'] | 'unknown';
}

export interface ExternalDatabasePorts {
  readonly authPods: readonly AuthPod[];
}

/** What is known of a database that is not ours: what the pods that use it report. */
export function observeExternalDatabase(
  stack: AuthStack,
  { authPods }: ExternalDatabasePorts,
  { now }: Pass,
): ExternalDatabaseObservation {
  const users = authPods.flatMap(({ pod, isReady, isTerminating, status }): readonly DatabaseUser[] => {
    if (isTerminating) return [];
    const database = status === 'unknown' || status === 'notAsked' ? 'unknown' : status.database;
    return [{ pod: pod.metadata.name, isReady, database }];
  });
  return { stack, now, users };
}
