import type { PodStatus } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { databaseUriOf, namespaceOf, selectorOf } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { podKind } from '../runtime/core-kinds.ts';
import type { Pod } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { AuthPodClient } from './auth-pod-client.ts';
import { says } from './step.ts';
import type { Step } from './step.ts';
import type { MongodbObservation } from './types.ts';

/** A pod of the auth service, asked how it fares with a database of somebody else's. */
export interface DatabaseUser {
  readonly pod: string;
  /** It has reached the database once. */
  readonly isReady: boolean;
  readonly database: PodStatus['database'] | 'unknown';
}

interface Ports {
  readonly cluster: Cluster;
  readonly authPods: AuthPodClient;
}

/** What is known of a database that is not ours: its users' word. The operator has no way to it, and no credentials. */
export function observeUsers(
  stack: AuthStack,
  { cluster, authPods }: Ports,
  pass: Pass,
): Promise<readonly DatabaseUser[]> {
  const pods = cluster.cachedList(podKind, { namespace: namespaceOf(stack), labels: selectorOf(stack, 'auth') });
  const running = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return Promise.all(
    running.map(async (pod): Promise<DatabaseUser> => {
      const { podIP } = pod.status ?? {};
      const status = podIP === undefined ? 'unknown' : await authPods.status(podIP, pass);
      const database = status === 'unknown' ? status : status.database;
      return { pod: pod.metadata.name, isReady: isReady(pod), database };
    }),
  );
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}

export function planExternal({ stack, users = [] }: MongodbObservation): Step {
  const { secretName, key } = databaseUriOf(stack);
  const it = `the database that Secret ${secretName} leads to`;
  const up = users.filter(({ database }) => database !== 'unknown' && database.up);
  const troubled = users.flatMap(({ pod, database }) =>
    database === 'unknown' || database.problem === undefined ? [] : [{ pod, problem: database.problem }],
  );
  const [first] = troubled;
  if (first) {
    const names = troubled.map(({ pod }) => pod).join(', ');
    const message =
      `${names} cannot use ${it}: ${first.problem}; see that it runs, that pods of ${namespaceOf(stack)} reach it, and ` +
      `that ${key} in the Secret holds the right credentials (pods read it again within two minutes)`;
    return up.length > 0 ? says('True', 'Degraded', message) : says('False', 'ExternalUnreachable', message);
  }
  if (up.length > 0) return says('True', 'External', `${it} answers ${up.length} of ${users.length} pods that use it`);
  if (users.some((user) => user.isReady)) {
    return says('True', 'External', `pods use ${it}; the operator cannot ask them how they fare`);
  }
  return says('Unknown', 'ExternalNotTried', `no pod of the auth service has tried ${it} yet`);
}
