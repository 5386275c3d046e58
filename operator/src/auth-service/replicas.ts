import { authContract } from '@authstack/auth-service/api';
import { namesOf, namespaceOf, selectorOf } from '../api/names.ts';
import { listed } from '../runtime/listed.ts';
import { diagnoseAll } from '../workloads/diagnose.ts';
import type { PodAdvice } from '../workloads/diagnose.ts';
import { replicaFailureOf } from '../workloads/pods-not-created.ts';
import { autoscalerOf } from './autoscaling.ts';
import { AUTH_CONTAINER } from './deployment.ts';
import { describe, lookAt, planServing } from './serving.ts';
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

/** Its own network is the suspect: what their kubelets say is all that the operator knows. */
export function noPodAnswers(seen: AuthServiceObservation): AuthVerdict | undefined {
  const { available, wanted } = countsOf(seen);
  if (available === 0 || !planServing(seen.stack, seen.serving).nobodyAnswers) return undefined;
  return {
    status: 'True',
    reason: 'PodsUnreachable',
    message:
      `${available} of ${wanted} pods of the auth service serve by the word of their kubelets, and none answers the operator ` +
      `on port ${authContract.probePort}, so none is taken out of Service ${namesOf(seen.stack.metadata.name).auth}. Check ` +
      `NetworkPolicies and firewalls between the operator and the pods: ${listPods(seen)} -o wide`,
    ...stalledRollout(seen),
  };
}

/** Those that serve keep the stack ready. */
export function aPodIsOutOfService(seen: AuthServiceObservation): AuthVerdict | undefined {
  const { available, wanted } = countsOf(seen);
  const out = planServing(seen.stack, seen.serving).outOfService;
  const serving = available - out.filter(({ isReady }) => isReady).length;
  if (out.length === 0 || serving <= 0) return undefined;
  const advice = [...new Set(out.map(({ pod }) => lookAt(pod)))];
  return {
    status: 'True',
    reason: 'PodOutOfService',
    message:
      `${serving} of ${wanted} pods of the auth service serve; ${listed(out.map(({ pod }) => describe(pod)))} did not answer ` +
      `the operator, so Service ${namesOf(seen.stack.metadata.name).auth} sends nothing there: ${listed(advice)}`,
    ...stalledRollout(seen),
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
