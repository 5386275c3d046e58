import type { PodStatus } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { namespaceOf, selectorOf } from '../api/names.ts';
import type { AuthPodClient } from '../auth-pods/client.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { podKind } from '../runtime/core-kinds.ts';
import type { Pod } from '../runtime/core-kinds.ts';
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
  readonly cluster: Cluster;
  readonly authPods: AuthPodClient;
}

/** What is known of a database that is not ours: its users' word. The operator has no way to it, and no credentials. */
export async function observeExternalDatabase(
  stack: AuthStack,
  { cluster, authPods }: ExternalDatabasePorts,
  pass: Pass,
): Promise<ExternalDatabaseObservation> {
  const pods = cluster.cachedList(podKind, { namespace: namespaceOf(stack), labels: selectorOf(stack, 'auth') });
  const running = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const users = await Promise.all(
    running.map(async (pod): Promise<DatabaseUser> => {
      const { podIP } = pod.status ?? {};
      const status = podIP === undefined ? 'unknown' : await authPods.status(podIP, pass);
      const database = status === 'unknown' ? status : status.database;
      return { pod: pod.metadata.name, isReady: isReady(pod), database };
    }),
  );
  return { stack, now: pass.now, users };
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}
