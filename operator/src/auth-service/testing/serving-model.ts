import { authStackSpecSchema } from '../../api/auth-stack.ts';
import type { AuthStack } from '../../api/auth-stack.ts';
import { SERVING_LABEL } from '../../api/names.ts';
import { ASK_EVERY, answered, asked, reachabilityOf } from '../../auth-pods/reachability.ts';
import type { Attention } from '../../auth-pods/reachability.ts';
import type { Pod } from '../../runtime/core-kinds.ts';
import type { Millis } from '../../runtime/objects.ts';
import { planServing } from '../serving.ts';
import type { ServingPod } from '../serving.ts';

export const stack: AuthStack = {
  apiVersion: 'authstack.dev/v1alpha1',
  kind: 'AuthStack',
  metadata: { name: 'shop', namespace: 'auth', uid: 'u1' },
  spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } }),
};

export type ServingLabel = 'true' | 'false' | undefined;

export function aServingPod(
  name: string,
  label: ServingLabel,
  seen: Partial<Omit<ServingPod, 'pod'>> = {},
): ServingPod {
  const labels = label === undefined ? {} : { [SERVING_LABEL]: label };
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'auth', uid: `uid-of-${name}`, labels },
    spec: { nodeName: `node-of-${name}` },
    status: { podIP: '10.0.0.1' },
  };
  return { pod, isReady: true, reachability: { state: 'answers', ago: 100, steadyFor: 60_000 }, ...seen };
}

/** The labels that the pods have once the actions of a plan are done. */
export function labelsAfter(pods: readonly ServingPod[]): ReadonlyMap<string, ServingLabel> {
  const labels = new Map(pods.map(({ pod }) => [pod.metadata.name, pod.metadata.labels?.[SERVING_LABEL]]));
  for (const action of planServing(stack, pods).actions) {
    if (action.type !== 'patch') throw new Error(`${action.type} is no change of a label`);
    const { metadata } = action.patch as { readonly metadata: { readonly labels: Readonly<Record<string, string>> } };
    labels.set(action.target.name, metadata.labels[SERVING_LABEL]);
  }
  return labels as ReadonlyMap<string, ServingLabel>;
}

/** From when until when. */
export type Span = readonly [Millis, Millis];

export interface History {
  /** Of each pod: when its questions come within a second, how long its answers take, and when it does not answer. */
  readonly pods: readonly { readonly phase: Millis; readonly delay: Millis; readonly silent: readonly Span[] }[];
  /** When nothing gets through to any pod. */
  readonly cuts: readonly Span[];
  /** When the operator itself is away. */
  readonly away: readonly Span[];
}

export interface Relabelling {
  readonly at: Millis;
  readonly pod: number;
  readonly label: ServingLabel;
}

const STEP: Millis = 50;

/** A pod with what its operator knows of it. */
interface Modelled {
  readonly name: string;
  readonly index: number;
  label: ServingLabel;
  known: Attention | undefined;
  /** When the answer to the last question comes. */
  answersAt: Millis;
}

/** Plays a history of ready pods against the rules: questions, answers, and a pass where something changed or is due. */
export function replay(history: History, until: Millis): readonly Relabelling[] {
  const world = history.pods.map((_, index): Modelled => ({
    ...{ name: `shop-auth-${index}`, index, label: 'true' },
    known: undefined,
    answersAt: Infinity,
  }));
  const relabelled: Relabelling[] = [];
  let passAt: Millis = 0;
  for (let now = 0; now <= until; now += STEP) {
    if (history.away.some((span) => isWithin(span, now))) continue;
    if (world.map((pod) => proceed(pod, history, now)).includes('changed')) passAt = now;
    if (now < passAt) continue;
    const seen = world.map(({ name, label, known }) =>
      aServingPod(name, label, { reachability: reachabilityOf(known, now) }),
    );
    const labels = labelsAfter(seen);
    for (const pod of world) {
      const label = labels.get(pod.name);
      if (pod.label !== label) relabelled.push({ at: now, pod: pod.index, label });
      pod.label = label;
    }
    passAt = now + (planServing(stack, seen).again ?? Infinity);
  }
  return relabelled;
}

/** An answer that is due comes, a question that is due is asked. */
function proceed(pod: Modelled, { pods, cuts }: History, now: Millis): 'changed' | 'as before' {
  const wasSilent = isSilent(pod);
  const facts = pods[pod.index];
  if (pod.known && pod.answersAt <= now) {
    pod.known = answered(pod.known, now);
    pod.answersAt = Infinity;
  }
  if (facts && now >= facts.phase && now - (pod.known?.askedAt ?? -Infinity) >= ASK_EVERY) {
    pod.known = asked(pod.known, now);
    const answersAt = now + facts.delay;
    const isLost = [...facts.silent, ...cuts].some((span) => isWithin(span, now) || isWithin(span, answersAt));
    if (!isLost) pod.answersAt = Math.min(pod.answersAt, answersAt);
  }
  return wasSilent === isSilent(pod) ? 'as before' : 'changed';
}

function isSilent({ known }: Modelled): boolean {
  return known?.isSilent === true;
}

function isWithin([from, to]: Span, now: Millis): boolean {
  return now >= from && now < to;
}
