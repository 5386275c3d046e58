import type { Cluster } from '../runtime/cluster.ts';
import { eventKind, statefulSetKind } from '../runtime/core-kinds.ts';
import type { Deployment, Event, StatefulSet } from '../runtime/core-kinds.ts';
import type { PerObjectOf } from '../runtime/manager.ts';
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
/** However long nothing was refused, it is looked at again by then. */
const ABSENCE_BELIEVED: Millis = 120_000;

export interface MissingPods {
  readonly statefulSet: StatefulSet;
  /** Names of the pods that it wants and that do not exist. */
  readonly missing: readonly string[];
  /** Since when, as far as is known. */
  readonly since: Millis;
}

/** Of a StatefulSet that cannot create pods. */
export async function observeFailedCreates(
  { statefulSet: { metadata }, missing }: Omit<MissingPods, 'since'>,
  cluster: Cluster,
  { signal }: Pick<Pass, 'signal'>,
): Promise<PodsNotCreated | undefined> {
  const { namespace = '', uid = '' } = metadata;
  const events = await cluster.list(eventKind, { namespace, fields: { 'regarding.uid': uid } }, { signal });
  return failedCreateIn(events, missing);
}

/** Why pods are missing; undefined: they are not, or not for long, or nothing was refused. */
export type FailedCreates = (pods: MissingPods, pass: Pass) => Promise<PodsNotCreated | undefined>;

export interface FailedCreatesPorts {
  readonly cluster: Cluster;
  readonly perObject: PerObjectOf;
}

/** What the events of a StatefulSet said. */
interface Look {
  /** Its generation, its status and its missing pods: what changes when its controller gets on. */
  readonly situation: string;
  /** Since when this process has seen it so. */
  readonly since: Millis;
  readonly at: Millis;
  readonly found: PodsNotCreated | undefined;
}

/**
 * Nothing watches events, of which a namespace may have thousands, so what they said is believed for a while:
 *
 *     the situation is another one ────────────▶ listed
 *     a failure was found ────── 5 s later ────▶ listed: the pod is tried again meanwhile, and may fail for another cause
 *     none was found ────── 5, 10, 20 … 120 s ─▶ listed: the longer nothing has happened, the less is expected
 *
 * Pods that are created after all are seen by their own watch, at once.
 */
export function createFailedCreates({ cluster, perObject }: FailedCreatesPorts): FailedCreates {
  const looks = perObject<Look>(statefulSetKind);
  return async (pods, pass) => {
    const { statefulSet, missing } = pods;
    const { metadata, status } = statefulSet;
    const { now } = pass;
    if (missing.length === 0) {
      looks.delete(metadata);
      return undefined;
    }
    if (now - pods.since < MISSING_IS_LONG) return undefined;
    const situation = JSON.stringify([metadata.generation, status, missing]);
    const last = looks.get(metadata);
    const before = last?.situation === situation ? last : undefined;
    if (before && isBelieved(before, now)) return before.found;
    const found = await observeFailedCreates(pods, cluster, pass);
    looks.set(metadata, { situation, since: before?.since ?? now, at: now, found });
    return found;
  };
}

function isBelieved({ since, at, found }: Look, now: Millis): boolean {
  const believed = found ? MISSING_IS_LONG : Math.min(Math.max(at - since, MISSING_IS_LONG), ABSENCE_BELIEVED);
  // A clock that was set back makes no answer last longer.
  return now >= at && now - at < believed;
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
