import type { Observation } from '@authstack/mongodb-agent/api';
import type { Pod } from '../runtime/core-kinds.ts';
import type { ObjectRef } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { AgentClient } from './client.ts';

/** What the agents of a stack's members reported in this pass, by the name of the pod. */
export type AgentReports = ReadonlyMap<string, Observation>;

/** Asks every agent that has an address, all at the same time; one that does not answer in time has no report. */
export async function observeAgents(
  stack: ObjectRef,
  { pods, agents }: { readonly pods: readonly Pod[]; readonly agents: AgentClient },
  pass: Pass,
): Promise<AgentReports> {
  const reports = await Promise.all(
    pods.map(async ({ metadata: { name, uid }, status }): Promise<readonly [string, Observation | 'unknown']> => {
      if (status?.podIP === undefined) return [name, 'unknown'];
      const report = await agents.observe(stack, { name, ip: status.podIP }, pass);
      // An address that another pod has by now must not report for this one.
      return [name, report !== 'unknown' && report.podUid === uid ? report : 'unknown'];
    }),
  );
  return new Map(reports.filter((entry): entry is readonly [string, Observation] => entry[1] !== 'unknown'));
}
