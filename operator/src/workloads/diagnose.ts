import type { ContainerEnd, ContainerStatus, Pod } from '../runtime/core-kinds.ts';

export type PodProblemReason =
  'ImageNotPullable' | 'ContainerConfigInvalid' | 'ContainerCrashes' | 'PodUnschedulable' | 'NotReady';

/** What keeps a pod from serving, and what to do about it. */
export interface PodProblem {
  readonly reason: PodProblemReason;
  readonly message: string;
  /** Absent: it is of no single container. */
  readonly container?: string;
}

/** What only the feature knows whose pod it is. */
export interface PodAdvice {
  /** By container: the fields that set its image. */
  readonly imageFields: Readonly<Record<string, string>>;
  /** What a container that runs without being ready does not do: "its /readyz does not answer 200". */
  readonly notReady: string;
}

type Rule = (pod: Pod, advice: PodAdvice) => PodProblem | undefined;

/** The cause that explains most comes first: an image that is not there explains why nothing is ready. */
const rules: readonly Rule[] = [
  anImageCannotBePulled,
  aContainerCannotBeCreated,
  aContainerCrashes,
  noNodeTakesThePod,
  aContainerIsNotReady,
];

/** The first problem of a pod of any workload; undefined: it serves, is on its way, or is terminating. */
export function diagnose(pod: Pod, advice: PodAdvice): PodProblem | undefined {
  return diagnoseAll([pod], advice);
}

/** The first problem among pods, by cause and then by the pod's name, so that the report is the same in each pass. */
export function diagnoseAll(pods: readonly Pod[], advice: PodAdvice): PodProblem | undefined {
  const inOrder = pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  for (const rule of rules) {
    const problem = inOrder.map((pod) => rule(pod, advice)).find((one) => one !== undefined);
    if (problem) return problem;
  }
  return undefined;
}

// kubelet: pkg/kubelet/images/types.go and cri-api/pkg/errors.
const pullFailures: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

// kubelet: pkg/kubelet/kuberuntime/kuberuntime_container.go and pkg/kubelet/container/sync_result.go.
const creationFailures: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'PreCreateHookError',
  'PreStartHookError',
  'RunContainerError',
]);

function anImageCannotBePulled(pod: Pod, { imageFields }: PodAdvice): PodProblem | undefined {
  const status = waitingFor(pod, pullFailures);
  if (!status) return undefined;
  const field = imageFields[status.name] ?? `the image of container ${status.name}`;
  return {
    reason: 'ImageNotPullable',
    container: status.name,
    message:
      `Pod ${pod.metadata.name} cannot pull ${status.image ?? 'its image'} (${causeOf(status)}); set ${field} to an ` +
      `image that this cluster can pull`,
  };
}

function aContainerCannotBeCreated(pod: Pod): PodProblem | undefined {
  const status = waitingFor(pod, creationFailures);
  if (!status) return undefined;
  return {
    reason: 'ContainerConfigInvalid',
    container: status.name,
    message: `Pod ${pod.metadata.name} cannot start container ${status.name}: ${causeOf(status)}; ${describe(pod)}`,
  };
}

function aContainerCrashes(pod: Pod): PodProblem | undefined {
  const crashed = containersOf(pod).find(isCrashed);
  if (!crashed) return undefined;
  const { status } = crashed;
  const end = status.state?.terminated ?? status.lastState?.terminated;
  return {
    reason: 'ContainerCrashes',
    container: status.name,
    message:
      `container ${status.name} of Pod ${pod.metadata.name} ended${howItEnded(end)} and was restarted ` +
      `${status.restartCount} times: ${logs(pod, status.name)} --previous`,
  };
}

function isCrashed({ role, status: { state } }: Container): boolean {
  if (state?.waiting?.reason === 'CrashLoopBackOff') return true;
  if (!state?.terminated) return false;
  // That is what an init container is for; anything else is meant to run on.
  return role !== 'init' || state.terminated.exitCode !== 0;
}

function howItEnded(end: ContainerEnd | undefined): string {
  return end ? ` with ${end.reason ?? 'Error'}, exit code ${end.exitCode},` : '';
}

function noNodeTakesThePod(pod: Pod): PodProblem | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  return {
    reason: 'PodUnschedulable',
    message: `Pod ${pod.metadata.name} has no node: ${scheduled.message ?? scheduled.reason ?? 'no cause given'}; ${describe(pod)}`,
  };
}

function aContainerIsNotReady(pod: Pod, { notReady }: PodAdvice): PodProblem | undefined {
  const found = containersOf(pod).find(({ role, status }) => role !== 'init' && status.state?.running && !status.ready);
  if (!found) return undefined;
  const { name } = found.status;
  return {
    reason: 'NotReady',
    container: name,
    message: `container ${name} of Pod ${pod.metadata.name} runs but ${notReady}: ${logs(pod, name)}`,
  };
}

interface Container {
  /** An init container that is restarted always is a native sidecar: it runs as long as the pod does. */
  readonly role: 'init' | 'sidecar' | 'main';
  readonly status: ContainerStatus;
}

/** In the order in which they start. */
function containersOf({ spec, status }: Pod): readonly Container[] {
  const { initContainerStatuses = [], containerStatuses = [] } = status ?? {};
  const isSidecar = (name: string): boolean =>
    spec.initContainers?.some((one) => one.name === name && one.restartPolicy === 'Always') === true;
  return [
    ...initContainerStatuses.map((one) => ({ role: isSidecar(one.name) ? 'sidecar' : 'init', status: one }) as const),
    ...containerStatuses.map((one) => ({ role: 'main', status: one }) as const),
  ];
}

function waitingFor(pod: Pod, reasons: ReadonlySet<string>): ContainerStatus | undefined {
  return containersOf(pod).find(({ status }) => reasons.has(status.state?.waiting?.reason ?? ''))?.status;
}

function causeOf({ state }: ContainerStatus): string {
  return state?.waiting?.message ?? state?.waiting?.reason ?? 'no cause given';
}

function describe({ metadata: { namespace = '', name } }: Pod): string {
  return `kubectl -n ${namespace} describe pod ${name}`;
}

function logs({ metadata: { namespace = '', name } }: Pod, container: string): string {
  return `kubectl -n ${namespace} logs ${name} -c ${container}`;
}
