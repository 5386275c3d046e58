import { IN_SERVICE, OUT_OF_SERVICE, SERVING_LABEL, namesOf, namespaceOf } from '../api/names.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { SILENT_AFTER, STEADY_WITHIN } from '../auth-pods/reachability.ts';
import type { Reachability } from '../auth-pods/reachability.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import { podKind } from '../runtime/core-kinds.ts';
import type { Pod } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';

/*
 * A Service goes on sending to a pod whose node has died until the node's grace period is over, mostly for 50 s. A label of its
 * selector that only the operator sets takes the pod out sooner:
 *
 *   "true" ───── does not answer for 3 s, while another pod that the Service sends to does ─────► "false"
 *      ▲                                                                                             │
 *      ├──────── has answered for 5 s, or answers while none that the Service sends to does ─────────┤
 *      └──────── no ready pod would be left: what its kubelet says is all there is ──────────────────┘
 *
 * When nobody answers, the operator's own network is the suspect, and nothing is taken out.
 */

/** A pod of the auth service with what is known of whether it can be reached. */
export interface ServingPod {
  readonly pod: Pod;
  readonly isReady: boolean;
  readonly reachability: Reachability;
}

/** Else one that answers now and then would come and go with every answer. */
const BACK_AFTER: Millis = 5_000;
/** How soon it is looked again for what no change announces. */
const LOOK_AGAIN_SOON: Millis = 500;

export interface ServingPlan {
  /** The label of each pod that is not what it should be. */
  readonly actions: readonly KubernetesAction[];
  /** Pods that the Service sends nothing to, or soon nothing more. */
  readonly outOfService: readonly ServingPod[];
  /** Every pod that is ready is silent. */
  readonly nobodyAnswers: boolean;
  /** In so many milliseconds the answer may be another one, although nothing is announced. */
  readonly again?: Millis;
}

/** @param pods those that are not Terminating. */
export function planServing(stack: AuthStack, pods: readonly ServingPod[]): ServingPlan {
  const wanted = wantedOf(pods);
  const again = Math.min(...pods.map((pod) => waitOf(pod, { pods, wanted })));
  return {
    actions: pods.flatMap((pod) => relabel(stack, pod, wanted.has(pod) ? IN_SERVICE : OUT_OF_SERVICE)),
    outOfService: pods.filter((pod) => !isIn(pod) || !wanted.has(pod)),
    nobodyAnswers: pods.some(isReady) && pods.filter(isReady).every(isSilent),
    ...(Number.isFinite(again) && { again }),
  };
}

/**
 * Pods of a template without the label, such as those of an operator before this one, must not fall out of the Service: its
 * selector has the label only while every pod that is ready has it.
 */
export function mayServiceSelectServing(pods: readonly ServingPod[]): boolean {
  return pods.filter(isReady).every(({ pod }) => [IN_SERVICE, OUT_OF_SERVICE].includes(labelOf(pod) ?? ''));
}

/** The pods that the Service is to send to, once they are ready. */
function wantedOf(pods: readonly ServingPod[]): ReadonlySet<ServingPod> {
  const serving = pods.filter(isIn);
  // One that answers is better than none, steady or not.
  const isMissed = !serving.some((pod) => isReady(pod) && answersNow(pod));
  const back = pods.filter(
    (pod) => !isIn(pod) && (hasAnsweredFor(pod, BACK_AFTER) || (isMissed && isReady(pod) && answersNow(pod))),
  );
  const candidates = [...serving, ...back];
  if (!candidates.some(isReady)) return new Set([...candidates, ...pods.filter(isReady)]);
  const hasWitness = candidates.some((pod) => isReady(pod) && isWitness(pod));
  // One that is not ready gets nothing anyway, and is silent until it has started.
  return new Set(candidates.filter((pod) => !hasWitness || !isReady(pod) || !isSilent(pod)));
}

function isReady(pod: ServingPod): boolean {
  return pod.isReady;
}

/** Also one that never had the label: it gets it, and until then the Service does not ask for it. */
function isIn({ pod }: ServingPod): boolean {
  return labelOf(pod) !== OUT_OF_SERVICE;
}

function labelOf({ metadata }: Pod): string | undefined {
  return metadata.labels?.[SERVING_LABEL];
}

function answersNow({ reachability }: ServingPod): boolean {
  return reachability.state === 'answers' && reachability.ago < STEADY_WITHIN;
}

/** It has answered all the time in which others were silent: not everything was cut off, and not a moment ago either. */
function isWitness(pod: ServingPod): boolean {
  return hasAnsweredFor(pod, SILENT_AFTER);
}

function hasAnsweredFor(pod: ServingPod, time: Millis): boolean {
  const { reachability } = pod;
  return answersNow(pod) && reachability.state === 'answers' && reachability.steadyFor >= time;
}

function isSilent({ reachability }: ServingPod): boolean {
  return reachability.state === 'silent';
}

interface Decided {
  readonly pods: readonly ServingPod[];
  readonly wanted: ReadonlySet<ServingPod>;
}

/** How long until this pod may have to move without a change that wakes anybody. */
function waitOf(pod: ServingPod, { pods, wanted }: Decided): Millis {
  if (wanted.has(pod)) return isReady(pod) && isSilent(pod) && pods.some(mayBeWitness) ? LOOK_AGAIN_SOON : Infinity;
  const { reachability } = pod;
  if (reachability.state === 'silent' || pod.pod.status?.podIP === undefined) return Infinity;
  const steadyFor = reachability.state === 'answers' ? reachability.steadyFor : BACK_AFTER;
  return Math.max(LOOK_AGAIN_SOON, BACK_AFTER - steadyFor);
}

/** It will answer or be silent in a moment. */
function mayBeWitness(pod: ServingPod): boolean {
  return isReady(pod) && !isSilent(pod) && !isWitness(pod);
}

function relabel(stack: AuthStack, { pod, isReady }: ServingPod, value: string): readonly KubernetesAction[] {
  const before = labelOf(pod);
  if (before === value) return [];
  const { name, namespace = '', uid = '' } = pod.metadata;
  const patch = { metadata: { labels: { [SERVING_LABEL]: value } } };
  const change = { type: 'patch', kind: podKind, target: { namespace, name, uid }, patch } as const;
  const service = `Service ${namesOf(stack.metadata.name).auth}`;
  if (value === OUT_OF_SERVICE) {
    const message = `${describe(pod)} has not answered for 3 s while others do; ${service} sends it nothing more: ${lookAt(pod)}`;
    return [{ ...change, event: { type: 'Warning', reason: 'PodTakenOutOfService', message } }];
  }
  if (before !== OUT_OF_SERVICE || !isReady) return [change];
  return [
    {
      ...change,
      event: { type: 'Normal', reason: 'PodBackInService', message: `${service} sends to ${describe(pod)} again` },
    },
  ];
}

export function describe({ metadata, spec }: Pod): string {
  return `Pod ${metadata.name}${spec.nodeName === undefined ? '' : ` on node ${spec.nodeName}`}`;
}

/** What kills a pod and its kubelet at once is its node. */
export function lookAt({ metadata, spec }: Pod): string {
  return spec.nodeName === undefined
    ? `kubectl -n ${namespaceOf({ metadata })} describe pod ${metadata.name}`
    : `kubectl describe node ${spec.nodeName}`;
}
