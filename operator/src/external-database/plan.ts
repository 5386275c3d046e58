import { namespaceOf } from '../api/names.ts';
import type { Plan } from '../planning.ts';
import type { ConditionStatus, Millis } from '../runtime/objects.ts';
import { databaseUriOf } from '../stored/database-uri.ts';
import type { ExternalDatabaseObservation } from './observe.ts';

/** No field of a replica set of our own applies; what an earlier database left in the status is removed. */
export interface ExternalDatabaseStatus {
  readonly mongodb: {
    readonly replicaSetId: undefined;
    readonly primary: undefined;
    readonly version: undefined;
    readonly featureCompatibilityVersion: undefined;
    readonly members: readonly never[];
  };
}

const noMembers: ExternalDatabaseStatus = {
  mongodb: {
    ...{ replicaSetId: undefined, primary: undefined, version: undefined },
    ...{ featureCompatibilityVersion: undefined, members: [] },
  },
};

export type ExternalDatabaseReason = 'External' | 'ExternalUnreachable' | 'ExternalNotTried' | 'Degraded';

interface Verdict {
  readonly status: ConditionStatus;
  readonly reason: ExternalDatabaseReason;
  readonly message: string;
}

const IN_MOTION: Millis = 1_500;
const AT_REST: Millis = 10_000;

/** The operator reports what the auth pods report; it changes nothing in a database that is not ours. */
export function planExternalDatabase(seen: ExternalDatabaseObservation): Plan<never, ExternalDatabaseStatus> {
  const { status, reason, message } = verdictOn(seen);
  return {
    actions: [],
    conditions: [{ type: 'DatabaseReady', status, reason, message }],
    status: noMembers,
    recheckAt: seen.now + (reason === 'External' ? AT_REST : IN_MOTION),
    ...stalledBy(seen, { status, reason, message }),
  };
}

function verdictOn({ stack, users }: ExternalDatabaseObservation): Verdict {
  const { secretName, key } = databaseUriOf(stack);
  const it = `the database of Secret ${secretName}`;
  const up = users.filter(({ database }) => database !== 'unknown' && database.up);
  const troubled = users.flatMap(({ pod, database }) =>
    database === 'unknown' || database.problem === undefined ? [] : [{ pod, problem: database.problem }],
  );
  const [first] = troubled;
  if (first) {
    const names = troubled.map(({ pod }) => pod).join(', ');
    const message =
      `${names} cannot use ${it}: ${first.problem}; check that it runs, that pods of ${namespaceOf(stack)} reach it, and ` +
      `that ${key} in the Secret holds the right credentials (pods read it again within two minutes)`;
    return up.length > 0
      ? { status: 'True', reason: 'Degraded', message }
      : { status: 'False', reason: 'ExternalUnreachable', message };
  }
  if (up.length > 0) {
    return { status: 'True', reason: 'External', message: `${up.length} of ${users.length} pods use ${it}` };
  }
  if (users.some((user) => user.isReady)) {
    return { status: 'True', reason: 'External', message: `pods use ${it}; the operator cannot ask them` };
  }
  return { status: 'Unknown', reason: 'ExternalNotTried', message: `no pod of the auth service has tried ${it} yet` };
}

/** How long the database may be away before a person should look. */
const STALL_AFTER: Millis = 300_000;

function stalledBy(
  { stack, now }: ExternalDatabaseObservation,
  { status, reason, message }: Verdict,
): { stalled?: { reason: string; message: string } } {
  if (status === 'True') return {};
  const stored = stack.status?.conditions?.find(({ type }) => type === 'DatabaseReady');
  if (stored?.status !== status || now - Date.parse(stored.lastTransitionTime) < STALL_AFTER) return {};
  return { stalled: { reason, message } };
}
