import { OUT_OF_SERVICE, SERVING_LABEL } from '../../operator/src/api/names.ts';
import type { Pod } from '../../operator/src/runtime/core-kinds.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { noFaults } from '../faults/gateway.ts';
import type { FaultPlan } from '../faults/gateway.ts';
import type { Subject } from './subject.ts';
import type { TestBed } from './test-bed.ts';

const WITHIN = { within: 90_000, every: 50 };
/** Of the operator to one pod: several times as many as make it silent, or let it come back. */
const QUESTIONS = 15;

/**
 * What may spoil the operator's own view of pods that serve all the time. Each lasts until the operator has had the time to draw
 * the wrong conclusion, and ends by itself. No pod may be taken out of its Service for it (invariants.ts).
 */
export const networkFaults = {
  'no auth pod is reached': async (subject, { node }) => {
    node.hush(subject.namespace);
    await eventually(async () => expectReason(await reasonOf(subject, 'AuthReady'), 'PodsUnreachable'), WITHIN);
    await comeBackOneByOne(subject, { node });
  },
  'no auth pod and no API server is reached': async (subject, { node, gateway }) => {
    await bothPods(subject, { node });
    node.hush(subject.namespace);
    gateway.kill();
    await asked(subject, { node });
    await comeBackOneByOne(subject, { node });
  },
  'the API server is away': async (subject, { node, gateway }) => {
    await bothPods(subject, { node });
    gateway.kill();
    await asked(subject, { node });
  },
  'no auth pod is reached, and the API server is slow or errs': async (subject, { node, gateway }) => {
    await bothPods(subject, { node });
    node.hush(subject.namespace);
    gateway.setFaultPlan(slowOrErring);
    await asked(subject, { node });
    gateway.setFaultPlan(noFaults);
    await comeBackOneByOne(subject, { node });
  },
  'one auth pod is not reached, and then none is': async (subject, { node, invariants }) => {
    const [cut] = await bothPods(subject, { node });
    invariants.excuse(cut);
    node.listenerOf(cut)?.freeze();
    // It may be gone meanwhile, as any other.
    await eventually(() => {
      const pod = node.podsThatListen(subject.namespace).find(({ metadata }) => metadata.uid === cut.metadata.uid);
      if (pod && pod.metadata.labels?.[SERVING_LABEL] !== OUT_OF_SERVICE) throw new Error('the pod is in service');
    }, WITHIN);
    node.hush(subject.namespace);
    await asked(subject, { node });
    await comeBackOneByOne(subject, { node });
  },
  'one auth pod is not reached while the API server is away': async (subject, { node, gateway }) => {
    const [cut] = await bothPods(subject, { node });
    gateway.kill();
    const pod = node.listenerOf(cut);
    pod?.freeze();
    await asked(subject, { node });
    pod?.thaw();
    // What was decided meanwhile is not done now: the pod has answered since.
    await asked(subject, { node });
    gateway.revive();
    await asked(subject, { node });
  },
  'no member finds another by name': async (subject, { node }) => {
    await bothPods(subject, { node });
    await node.resolveNames(false);
    await asked(subject, { node });
  },
  'an auth pod is reached now and then': async (subject, { node }) => {
    const [first] = await bothPods(subject, { node });
    node.listenerOf(first)?.forget();
    await asked(subject, { node });
  },
} as const satisfies Readonly<Record<string, (subject: Subject, bed: Parts) => Promise<void>>>;

export type NetworkFaultName = keyof typeof networkFaults;

/** Resolves when it has ended, whatever came of it. */
export async function injectNetworkFault(name: NetworkFaultName, subject: Subject, parts: Parts): Promise<void> {
  const { node, gateway, invariants } = parts;
  try {
    await networkFaults[name](subject, parts);
  } finally {
    node.unhush(subject.namespace);
    for (const pod of node.listeners(subject.namespace)) pod.thaw();
    await node.resolveNames(true);
    invariants.excuseNone(subject.namespace);
    gateway.setFaultPlan(noFaults);
    gateway.revive();
  }
}

type Parts = Pick<TestBed, 'node' | 'gateway' | 'invariants'>;

/** Every third request passes. */
const slowOrErring: FaultPlan = (_seen, earlier) => (['late', 'answered 503', undefined] as const)[earlier % 3];

/** Once they run and the operator asks them: without an API server it would never come to that, and with one that errs it takes long. */
function bothPods(subject: Subject, { node }: Pick<Parts, 'node'>): Promise<readonly [Pod, Pod]> {
  return eventually(() => {
    const [first, second] = node.podsThatListen(subject.namespace);
    if (!first || !second) throw new Error('not both auth pods run');
    const areAsked = [first, second].every((pod) => (node.listenerOf(pod)?.questions ?? 0) > 0);
    if (!areAsked) throw new Error('not both auth pods are asked');
    return [first, second] as const;
  }, WITHIN);
}

/** The hard case: for a while one is heard, and the others are not yet. */
async function comeBackOneByOne(subject: Subject, { node }: Pick<Parts, 'node'>): Promise<void> {
  node.unhush(subject.namespace);
  for (const pod of node.listeners(subject.namespace)) {
    pod.thaw();
    const before = pod.questions;
    // As soon as it is asked again: no longer than the operator may be in doubt.
    await eventually(() => {
      const isThere = node.listeners(subject.namespace).includes(pod);
      if (isThere && pod.questions === before) throw new Error('the pod is not asked');
    }, WITHIN);
  }
}

/** Until the operator has asked one of the pods often enough. */
async function asked(subject: Subject, { node }: Pick<Parts, 'node'>): Promise<void> {
  const before = new Map(node.listeners(subject.namespace).map((pod) => [pod, pod.questions]));
  await eventually(() => {
    const counts = node.listeners(subject.namespace).map((pod) => pod.questions - (before.get(pod) ?? 0));
    if (Math.max(0, ...counts) < QUESTIONS) throw new Error(`the operator asked ${counts.join(', ')} times`);
  }, WITHIN);
}

async function reasonOf(subject: Subject, type: string): Promise<string | undefined> {
  return (await subject.stack())?.status?.conditions?.find((condition) => condition.type === type)?.reason;
}

function expectReason(seen: string | undefined, wanted: string): void {
  if (seen !== wanted) throw new Error(`AuthReady is ${seen ?? 'not there'}, not ${wanted}`);
}
