import { agentContract } from '@authstack/mongodb-agent/api';
import type { Observation } from '@authstack/mongodb-agent/api';
import type { Clock } from '../runtime/clock.ts';
import type { Pod } from '../runtime/core-kinds.ts';
import type { PerObjectOf } from '../runtime/manager.ts';
import { keyOf, refOf } from '../runtime/objects.ts';
import type { ObjectRef } from '../runtime/objects.ts';
import { PodStreams } from '../runtime/pod-streams.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { AgentClient } from './client.ts';

/** What the agents of a stack's members reported in this pass, by the name of the pod. */
export type AgentReports = ReadonlyMap<string, Observation>;

export interface AgentsPorts {
  readonly agents: AgentClient;
  readonly memberStreams: PodStreams;
}

/** Silence is no evidence here, it only means that the connection may be dead: heartbeats that may be missed. */
const MISSED = 12;

/** One stream to the agent of each member; a pass of its stack when a line differs. */
export function createMemberStreams({
  agents,
  perObject,
  clock,
  wake,
}: {
  readonly agents: AgentClient;
  readonly perObject: PerObjectOf;
  readonly clock: Clock;
  readonly wake: (key: string) => void;
}): PodStreams {
  return new PodStreams({
    perObject,
    clock,
    silentAfter: MISSED * agentContract.heartbeatMillis,
    open: (pod, signal) => agents.watch(refOf(pod.owner), pod, { signal }),
    onChange: ({ owner }) => {
      wake(owner);
    },
  });
}

/**
 * Asks every agent that has an address, all at the same time; one that does not answer in time has no report. With
 * `holdsStreams` each that answers is listened to from then on.
 */
export async function observeAgents(
  stack: ObjectRef,
  {
    pods,
    agents,
    memberStreams,
    holdsStreams,
  }: AgentsPorts & { readonly pods: readonly Pod[]; readonly holdsStreams: boolean },
  pass: Pass,
): Promise<AgentReports> {
  const reports = await Promise.all(
    pods.map(async ({ metadata: { name, uid }, status }): Promise<readonly [string, Observation | 'unknown']> => {
      const ip = status?.podIP;
      if (ip === undefined) return [name, 'unknown'];
      const pod = { ...stack, name };
      const report = await agents.observe(stack, { name, ip }, pass);
      // An address that another pod has by now must not report for this one.
      if (report === 'unknown' || report.podUid !== uid) return [name, 'unknown'];
      if (holdsStreams) memberStreams.hold({ ...pod, uid, ip, owner: keyOf(stack) });
      else memberStreams.release(pod);
      return [name, report];
    }),
  );
  return new Map(reports.filter((entry): entry is readonly [string, Observation] => entry[1] !== 'unknown'));
}
