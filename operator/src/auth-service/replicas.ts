import { authContract } from '@authstack/auth-service/api';
import { namespaceOf, selectorOf } from '../api/names.ts';
import { diagnoseAll } from '../workloads/diagnose.ts';
import type { PodAdvice } from '../workloads/diagnose.ts';
import { replicaFailureOf } from '../workloads/pods-not-created.ts';
import { autoscalerOf } from './autoscaling.ts';
import { AUTH_CONTAINER } from './deployment.ts';
import type { AuthServiceObservation, AuthVerdict } from './types.ts';

/** Rules about the pods of the auth service. */

const advice: PodAdvice = {
  imageFields: { [AUTH_CONTAINER]: "spec.auth.image, or the chart's image.auth," },
  notReady: `its ${authContract.readyPath} does not answer 200, so it gets no traffic`,
};

export function thePodsDoNotExist({ stack, deployment, pods }: AuthServiceObservation): AuthVerdict | undefined {
  if (!deployment) return { status: 'False', reason: 'Starting', message: 'The operator creates the Deployment' };
  const failure = replicaFailureOf(deployment);
  if (!failure || pods.length > 0) return undefined;
  const events = `kubectl -n ${namespaceOf(stack)} get events --field-selector reason=FailedCreate`;
  return {
    status: 'False',
    reason: 'PodsNotCreated',
    message: `Deployment ${deployment.metadata.name} cannot create pods: ${failure.cause}; ${events}`,
  };
}

export function allReplicasServe(seen: AuthServiceObservation): AuthVerdict | undefined {
  const { available, updated, wanted } = countsOf(seen);
  if (!isObservedByItsController(seen) || updated < wanted || available < wanted) return undefined;
  const autoscaler = autoscalerOf(seen.deployment);
  const scaled = autoscaler === undefined ? '' : `; ${autoscaler} sets their number`;
  const message = `${available} of ${wanted} pods of the auth service serve${scaled}`;
  return { status: 'True', reason: 'AllReplicasAvailable', message };
}

export function noReplicaServes(seen: AuthServiceObservation): AuthVerdict | undefined {
  if (countsOf(seen).available > 0) return undefined;
  const problem = diagnoseAll(seen.pods, advice);
  return {
    status: 'False',
    reason: problem?.reason ?? 'Starting',
    message: problem?.message ?? `No pod of the auth service is ready yet: ${listPods(seen)}`,
    ...stalledRollout(seen),
  };
}

/** Those that serve keep the stack ready; the others are explained. */
export function someReplicasServe(seen: AuthServiceObservation): AuthVerdict {
  const { available, updated, wanted } = countsOf(seen);
  const problem = diagnoseAll(seen.pods, advice)?.message ?? failureOf(seen);
  const count = `${available} of ${wanted} pods of the auth service serve; ${updated} are of the current template`;
  return {
    status: 'True',
    reason: updated < wanted ? 'RollingOut' : 'SomeReplicasUnavailable',
    message: problem === undefined ? count : `${count}; ${problem}`,
    ...stalledRollout(seen),
  };
}

function failureOf({ deployment }: AuthServiceObservation): string | undefined {
  const failure = deployment && replicaFailureOf(deployment);
  return failure && `further pods cannot be created: ${failure.cause}`;
}

interface Counts {
  readonly available: number;
  readonly updated: number;
  readonly wanted: number;
}

function countsOf(seen: AuthServiceObservation): Counts {
  const { availableReplicas = 0, updatedReplicas = 0 } = seen.deployment?.status ?? {};
  return { available: availableReplicas, updated: updatedReplicas, wanted: wantedReplicas(seen) };
}

/** By the spec, or by the autoscaler that the replicas are left to. */
export function wantedReplicas({ stack, deployment }: AuthServiceObservation): number {
  const { replicas } = stack.spec.auth;
  return autoscalerOf(deployment) === undefined ? replicas : (deployment?.spec?.replicas ?? replicas);
}

function isObservedByItsController({ deployment }: AuthServiceObservation): boolean {
  return (deployment?.status?.observedGeneration ?? 0) >= (deployment?.metadata.generation ?? 0);
}

/** Kubernetes has waited for the new pods as long as the Deployment allows. */
function stalledRollout({ deployment }: AuthServiceObservation): { readonly stalls?: 'now' } {
  const isStuck = deployment?.status?.conditions?.some(({ reason }) => reason === 'ProgressDeadlineExceeded') === true;
  return isStuck ? { stalls: 'now' } : {};
}

function listPods({ stack }: AuthServiceObservation): string {
  const labels = Object.entries(selectorOf(stack, 'auth')).map(([label, value]) => `${label}=${value}`);
  return `kubectl -n ${namespaceOf(stack)} get pods -l ${labels.join(',')}`;
}
