import type { ContainerStatus, Pod } from '../runtime/core-kinds.ts';
import type { AuthReadyReason } from './types.ts';

export interface PodProblem {
  readonly reason: AuthReadyReason;
  readonly message: string;
}

type Rule = (pod: Pod) => PodProblem | undefined;

/** What keeps one pod from serving, the cause that explains most first. */
const rules: readonly Rule[] = [
  theImageCannotBePulled,
  theContainerCannotBeMade,
  theContainerCrashes,
  thePodHasNoNode,
  theContainerIsNotReady,
];

/** The first problem of the pods in their order by name, so that the report does not jump between passes. */
export function podProblem(pods: readonly Pod[]): PodProblem | undefined {
  const inOrder = [...pods].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  for (const rule of rules) {
    const problem = inOrder.map(rule).find((found) => found !== undefined);
    if (problem) return problem;
  }
  return undefined;
}

const pullFailures = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
]);
const configFailures = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

function theImageCannotBePulled(pod: Pod): PodProblem | undefined {
  const status = waitingFor(pod, pullFailures);
  if (!status) return undefined;
  const said = status.state?.waiting?.message ?? status.state?.waiting?.reason ?? '';
  return {
    reason: 'ImageNotPullable',
    message:
      `Pod ${pod.metadata.name} cannot pull ${status.image ?? 'its image'} (${said}); set spec.auth.image, or the ` +
      `chart's image.auth, to one that this cluster can pull`,
  };
}

function theContainerCannotBeMade(pod: Pod): PodProblem | undefined {
  const status = waitingFor(pod, configFailures);
  if (!status) return undefined;
  const said = status.state?.waiting?.message ?? status.state?.waiting?.reason ?? '';
  return { reason: 'ContainerConfigInvalid', message: `Pod ${pod.metadata.name} cannot start: ${said}; ${look(pod)}` };
}

function theContainerCrashes(pod: Pod): PodProblem | undefined {
  const status = statusesOf(pod).find(
    ({ state }) => state?.waiting?.reason === 'CrashLoopBackOff' || state?.terminated,
  );
  if (!status) return undefined;
  const end = status.state?.terminated ?? status.lastState?.terminated;
  const how = end ? ` with ${end.reason ?? 'Error'}, exit code ${end.exitCode}` : '';
  return {
    reason: 'ContainerCrashes',
    message: `Pod ${pod.metadata.name} ended${how} and was restarted ${status.restartCount} times: ${logs(pod)} --previous`,
  };
}

function thePodHasNoNode(pod: Pod): PodProblem | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  return {
    reason: 'PodUnschedulable',
    message: `Pod ${pod.metadata.name} has no node: ${scheduled.message ?? scheduled.reason ?? ''}; ${look(pod)}`,
  };
}

function theContainerIsNotReady(pod: Pod): PodProblem | undefined {
  const status = statusesOf(pod).find(({ ready, state }) => !ready && state?.running);
  if (!status) return undefined;
  return {
    reason: 'NotReady',
    message: `Pod ${pod.metadata.name} runs but its /readyz does not answer 200, so it gets no traffic: ${logs(pod)}`,
  };
}

function waitingFor(pod: Pod, reasons: ReadonlySet<string>): ContainerStatus | undefined {
  return statusesOf(pod).find(({ state }) => reasons.has(state?.waiting?.reason ?? ''));
}

function statusesOf(pod: Pod): readonly ContainerStatus[] {
  // A pod that was asked to end is no sign of trouble.
  if (pod.metadata.deletionTimestamp !== undefined) return [];
  return pod.status?.containerStatuses ?? [];
}

function look({ metadata: { namespace = '', name } }: Pod): string {
  return `kubectl -n ${namespace} describe pod ${name}`;
}

function logs({ metadata: { namespace = '', name } }: Pod): string {
  return `kubectl -n ${namespace} logs ${name}`;
}
