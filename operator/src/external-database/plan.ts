import { namespaceOf } from '../api/names.ts';
import { listed } from '../runtime/listed.ts';
import { planOf } from '../planning.ts';
import type { Plan, Verdict } from '../planning.ts';
import type { Millis } from '../runtime/objects.ts';
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

type ExternalVerdict = Verdict<'DatabaseReady', never>;

/** The pods are asked, not watched: often while they report trouble, seldom while they report none. */
const RECHECK_IN_TROUBLE: Millis = 1_500;
const RECHECK_AT_REST: Millis = 10_000;

/** The operator reports what the auth pods report; it changes nothing in a database that is not ours. */
export function planExternalDatabase(seen: ExternalDatabaseObservation): Plan<never, ExternalDatabaseStatus> {
  const { stack, now } = seen;
  const verdict = verdictOn(seen);
  const recheckAt = now + (verdict.reason === 'External' ? RECHECK_AT_REST : RECHECK_IN_TROUBLE);
  return planOf({ ...verdict, recheckAt }, { stack, now, type: 'DatabaseReady', status: noMembers });
}

function verdictOn({ stack, users }: ExternalDatabaseObservation): ExternalVerdict {
  const { secretName, key } = databaseUriOf(stack);
  const it = `the database of Secret ${secretName}`;
  const up = users.filter(({ database }) => database !== 'unknown' && database.up);
  const troubled = users.flatMap(({ pod, database }) =>
    database === 'unknown' || database.problem === undefined ? [] : [{ pod, problem: database.problem }],
  );
  const [first] = troubled;
  if (first) {
    const names = listed(troubled.map(({ pod }) => pod));
    const message =
      `${names} cannot use ${it}: ${first.problem}; check that it runs, that pods of ${namespaceOf(stack)} reach it, and ` +
      `that ${key} in the Secret holds the right credentials (pods read the Secret again within two minutes)`;
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
  return { status: 'Unknown', reason: 'ExternalNotTried', message: `No pod of the auth service has tried ${it} yet` };
}
