import type { Cluster } from '../runtime/cluster.ts';
import { eventKind } from '../runtime/core-kinds.ts';
import type { Deployment, Event, StatefulSet } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';

/**
 * Why a workload has fewer pods than it wants: a quota, a LimitRange or admission refuses them. A Deployment reports it in
 * a condition, a StatefulSet in events alone:
 *
 *     StatefulSet ── create Pod ──▶ 403 exceeded quota ──▶ Event FailedCreate ──▶ back-off, up to 16 min ──▶ again
 */
export interface PodsNotCreated {
  /** The API server's words. */
  readonly cause: string;
}

/** Of a Deployment that cannot create pods. */
export function replicaFailureOf({ status }: Deployment): PodsNotCreated | undefined {
  const failure = status?.conditions?.find((one) => one.type === 'ReplicaFailure' && one.status === 'True');
  return failure && { cause: failure.message ?? failure.reason ?? 'no cause given' };
}

/** A pod that is merely being replaced is missing for less than this. */
export const MISSING_IS_LONG: Millis = 5_000;

export interface MissingPods {
  readonly statefulSet: StatefulSet;
  /** Names of the pods that it wants and that do not exist. */
  readonly missing: readonly string[];
  /** Since when, as far as is known. */
  readonly since: Millis;
}

/**
 * Of a StatefulSet that cannot create pods. Events are read only for pods that have been missing for some seconds:
 * nothing watches them, and in a namespace there may be thousands.
 */
export async function observeFailedCreates(
  { statefulSet: { metadata }, missing, since }: MissingPods,
  cluster: Cluster,
  { now, signal }: Pass,
): Promise<PodsNotCreated | undefined> {
  const { namespace = '', uid = '' } = metadata;
  if (missing.length === 0 || now - since < MISSING_IS_LONG) return undefined;
  const events = await cluster.list(eventKind, { namespace, fields: { 'regarding.uid': uid } }, { signal });
  return failedCreateIn(events, missing);
}

/** The failure of the first of the pods whose latest attempt failed: older ones may have been mended since. */
export function failedCreateIn(events: readonly Event[], missing: readonly string[]): PodsNotCreated | undefined {
  const attempts = events.flatMap(attemptIn).sort((a, b) => a.at - b.at);
  const failures = missing.flatMap((pod) =>
    (['Claim', 'Pod'] as const).map((what) => attempts.findLast((one) => one.pod === pod && one.what === what)),
  );
  const failed = failures.find((attempt) => attempt?.cause !== undefined);
  return failed?.cause === undefined ? undefined : { cause: failed.cause };
}

interface Attempt {
  readonly pod: string;
  readonly what: 'Claim' | 'Pod';
  readonly at: Millis;
  /** Absent: it succeeded. */
  readonly cause: string | undefined;
}

// kubernetes: pkg/controller/statefulset/stateful_pod_control.go, recordPodEvent and recordClaimEvent.
const attemptNote = /create (Claim \S+ )?Pod (\S+) in StatefulSet \S+ (?:success|failed error: (.+))/s;

function attemptIn(event: Event): readonly Attempt[] {
  const [found, claim, pod = '', cause] = attemptNote.exec(event.note ?? '') ?? [];
  return found === undefined ? [] : [{ pod, what: claim === undefined ? 'Pod' : 'Claim', at: timeOf(event), cause }];
}

function timeOf({ series, deprecatedLastTimestamp, eventTime }: Event): Millis {
  return Date.parse(series?.lastObservedTime ?? deprecatedLastTimestamp ?? eventTime ?? '');
}
