import { firstAnswer, planOf } from '../planning.ts';
import type { Rule } from '../planning.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import {
  deploymentKind,
  ingressKind,
  networkPolicyKind,
  podDisruptionBudgetKind,
  serviceKind,
} from '../runtime/core-kinds.ts';
import type { Kind, KubernetesObject } from '../runtime/objects.ts';
import { autoscalerOf } from './autoscaling.ts';
import { authDeployment } from './deployment.ts';
import { authPodDisruptionBudget } from './disruption-budget.ts';
import { authIngress, authNetworkPolicy, authService } from './network.ts';
import {
  aPodIsOutOfService,
  allReplicasServe,
  noPodAnswers,
  noReplicaServes,
  someReplicasServe,
  thePodsDoNotExist,
  wantedReplicas,
} from './replicas.ts';
import { mayServiceSelectServing, planServing } from './serving.ts';
import {
  noSigningKeyExists,
  theDatabaseCannotBeRead,
  theDatabaseHasNoUser,
  theDatabaseUriIsMissing,
  theInitialAdminIsMissing,
  theSecretsAreInvalid,
  theSecretsAreLost,
  theSecretsAreNotOurs,
  theSecretsDoNotExist,
  thereIsNoCertificate,
} from './secrets.ts';
import type { AuthServiceAction, AuthServiceObservation, AuthServicePlan, AuthVerdict } from './types.ts';

/** While one of these holds, pods are neither created nor changed: first what must never be guessed, then what pods need. */
const holdPods: readonly Rule<AuthServiceObservation, AuthVerdict>[] = [
  theSecretsAreNotOurs,
  theSecretsAreInvalid,
  theSecretsAreLost,
  theDatabaseUriIsMissing,
  theDatabaseCannotBeRead,
  theDatabaseHasNoUser,
  theSecretsDoNotExist,
  noSigningKeyExists,
  thereIsNoCertificate,
];

/** What a person forgot, then what the pods report. */
const reports: readonly Rule<AuthServiceObservation, AuthVerdict>[] = [
  theInitialAdminIsMissing,
  thePodsDoNotExist,
  noPodAnswers,
  aPodIsOutOfService,
  allReplicasServe,
  noReplicaServes,
];

export function planAuthService(seen: AuthServiceObservation): AuthServicePlan {
  const { stack, now } = seen;
  const held = firstAnswer(holdPods, seen);
  const verdict = held ?? firstAnswer(reports, seen) ?? someReplicasServe(seen);
  const serving = planServing(stack, seen.serving);
  // Labels are written by passes of their own (reconcile.ts); where the stack is suspended they are what is pending.
  const labels = stack.spec.suspend ? serving.actions : [];
  const actions = [...labels, ...desiredNetwork(seen), ...(held ? [] : [desiredPods(seen)])];
  const plan = planOf<'AuthReady', AuthServiceAction, undefined>(
    { ...verdict, actions },
    { stack, now, type: 'AuthReady', status: undefined },
  );
  const recheckAt = Math.min(plan.recheckAt ?? Infinity, now + (serving.again ?? Infinity));
  const { name, namespace = '' } = stack.metadata;
  const foundations = isFirstStart(seen) ? [{ type: 'createAuthSecrets', stack: { namespace, name } } as const] : [];
  return { ...plan, ...(Number.isFinite(recheckAt) && { recheckAt }), foundations };
}

function isFirstStart({ secrets }: AuthServiceObservation): boolean {
  return secrets.state === 'absent' && secrets.earlierStart.state === 'none';
}

function desiredPods(seen: AuthServiceObservation): KubernetesAction {
  const { stack, images, initialAdmin, wrappingSecrets, deployment, notedLifetimes } = seen;
  const mountsInitialAdmin = initialAdmin.state === 'present' || initialAdmin.state === 'mounted';
  const replicas = autoscalerOf(deployment) === undefined ? stack.spec.auth.replicas : 'autoscaled';
  return apply(
    deploymentKind,
    authDeployment(stack, { images, mountsInitialAdmin, wrappingSecrets, replicas, notedLifetimes }),
  );
}

function desiredNetwork(seen: AuthServiceObservation): readonly KubernetesAction[] {
  const { stack, podDisruptionBudget, ingress } = seen;
  const wantsIngress = stack.spec.auth.ingress;
  return [
    apply(serviceKind, authService(stack, { selectsServing: mayServiceSelectServing(seen.serving) })),
    apply(networkPolicyKind, authNetworkPolicy(stack)),
    // With one replica it would stop every drain of its node.
    ...(wantedReplicas(seen) > 1
      ? [apply(podDisruptionBudgetKind, authPodDisruptionBudget(stack))]
      : remove(podDisruptionBudgetKind, podDisruptionBudget)),
    ...(wantsIngress ? [apply(ingressKind, authIngress(stack))] : remove(ingressKind, ingress)),
  ];
}

function apply(kind: Kind, object: KubernetesObject): KubernetesAction {
  return { type: 'apply', kind, object };
}

function remove(kind: Kind, object: KubernetesObject | undefined): readonly KubernetesAction[] {
  if (!object) return [];
  const { name, namespace = '', uid = '' } = object.metadata;
  return [{ type: 'delete', kind, target: { namespace, name, uid } }];
}
