import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
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
    node.hush(subject.namespace);
    gateway.kill();
    await asked(subject, { node });
    await comeBackOneByOne(subject, { node });
  },
  'the API server is away': async (subject, { node, gateway }) => {
    gateway.kill();
    await asked(subject, { node });
  },
  'an auth pod is reached now and then': async (subject, { node }) => {
    await eventually(() => {
      const [first] = node.listeners(subject.namespace);
      if (!first) throw new Error('no auth pod runs');
      first.forget();
    }, WITHIN);
    await asked(subject, { node });
  },
} as const satisfies Readonly<Record<string, (subject: Subject, bed: Parts) => Promise<void>>>;

export type NetworkFaultName = keyof typeof networkFaults;

/** Resolves when it has ended, whatever came of it. */
export async function injectNetworkFault(name: NetworkFaultName, subject: Subject, parts: Parts): Promise<void> {
  const { node, gateway } = parts;
  try {
    await networkFaults[name](subject, parts);
  } finally {
    node.unhush(subject.namespace);
    for (const pod of node.listeners(subject.namespace)) pod.thaw();
    gateway.revive();
  }
}

type Parts = Pick<TestBed, 'node' | 'gateway'>;

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
