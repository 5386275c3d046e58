import type { AuthStack } from '../api/auth-stack.ts';
import { databaseUriOf, namesOf } from '../api/names.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import {
  deploymentKind,
  ingressKind,
  networkPolicyKind,
  podDisruptionBudgetKind,
  serviceKind,
} from '../runtime/core-kinds.ts';
import type { Kind, KubernetesObject, Millis } from '../runtime/objects.ts';
import type { Stalled } from '../planning.ts';
import type { ObservedCondition } from '../runtime/reconciler.ts';
import { diagnoseAll } from '../workloads/diagnose.ts';
import type { PodAdvice } from '../workloads/diagnose.ts';
import { replicaFailureOf } from '../workloads/pods-not-created.ts';
import { authIngress, authNetworkPolicy, authPodDisruptionBudget, authService } from './around.ts';
import { authDeployment } from './deployment.ts';
import type { AuthReadyReason, AuthServiceObservation, AuthServicePlan } from './types.ts';

/** How long anything may be waited for before the stack counts as stalled. */
export const PATIENCE: Millis = 10 * 60_000;
/** The Secret of the first admin is the user's own and not watched. */
const ADMIN_RECHECK: Millis = 5_000;

interface Verdict {
  readonly status: ObservedCondition['status'];
  readonly reason: AuthReadyReason;
  readonly message: string;
  /** Nothing here moves by itself: a human is needed. */
  readonly stalls?: 'now' | 'later';
  /** The pods must not be made or changed yet. */
  readonly holdsPods?: true;
  readonly recheckIn?: Millis;
}

type Rule = (seen: AuthServiceObservation) => Verdict | undefined;

/** First what must never be guessed, then what the pods need, then what a human forgot, then how the pods fare. */
const rules: readonly Rule[] = [
  theSecretsAreNotOurs,
  theSecretsCannotBeRead,
  theSecretsAreLost,
  theDatabaseHasNoUser,
  thereIsNoSigningKey,
  theInitialAdminIsMissing,
  thePodsAreNotThere,
  allReplicasServe,
  noReplicaServes,
];

export function planAuthService(seen: AuthServiceObservation): AuthServicePlan {
  const verdict = verdictOf(seen);
  const { status, reason, message } = verdict;
  const stalled = stalledBy(verdict, seen);
  return {
    foundations: isFirstStart(seen) ? [{ type: 'createAuthSecrets', stack: seen.stack }] : [],
    actions: [...around(seen), ...(verdict.holdsPods ? [] : [applyPods(seen)])],
    conditions: [{ type: 'AuthReady', status, reason, message }],
    status: undefined,
    ...(stalled && { stalled }),
    ...recheck(verdict, seen),
  };
}

function verdictOf(seen: AuthServiceObservation): Verdict {
  for (const rule of rules) {
    const verdict = rule(seen);
    if (verdict) return verdict;
  }
  return someReplicasServe(seen);
}

function isFirstStart({ secrets, signOfLife }: AuthServiceObservation): boolean {
  return secrets.state === 'absent' && signOfLife === undefined;
}

function theSecretsAreNotOurs({ stack, secrets }: AuthServiceObservation): Verdict | undefined {
  if (secrets.state !== 'foreign') return undefined;
  const name = namesOf(stack.metadata.name).authSecrets;
  return {
    ...stopped('SecretNotOwned'),
    message: `Secret ${name} exists and was not made by the operator; it is left alone. Rename or delete it: ${inspect(stack, `secret ${name} --show-labels`)}`,
  };
}

function theSecretsCannotBeRead({ stack, secrets }: AuthServiceObservation): Verdict | undefined {
  if (secrets.state !== 'malformed') return undefined;
  const name = namesOf(stack.metadata.name).authSecrets;
  return {
    ...stopped('SecretMalformed'),
    message: `Secret ${name} is damaged (${secrets.why}) and is left as it is, because no stored password can be checked without its pepper; restore it from a backup`,
  };
}

function theSecretsAreLost(seen: AuthServiceObservation): Verdict | undefined {
  if (seen.secrets.state !== 'absent' || seen.signOfLife === undefined) return undefined;
  const name = namesOf(seen.stack.metadata.name).authSecrets;
  return {
    ...stopped('SecretLost'),
    message: `Secret ${name} is gone although the stack has started before (${seen.signOfLife}); a new one would make every stored password useless, so none is made. Restore it from a backup; running pods go on with what they have`,
  };
}

function theDatabaseHasNoUser({ stack, hasDatabaseUri, secrets }: AuthServiceObservation): Verdict | undefined {
  if (hasDatabaseUri && secrets.state === 'whole') return undefined;
  const { secretName, key } = databaseUriOf(stack);
  if (!hasDatabaseUri && stack.spec.mongodb.external) {
    const way = `kubectl -n ${stack.metadata.namespace ?? ''} create secret generic ${secretName} --from-file=${key}=…`;
    return {
      ...waiting('DatabaseUriNotFound'),
      recheckIn: ADMIN_RECHECK,
      message: `Secret ${secretName} of spec.mongodb.external.uriSecretRef has no ${key}, or does not exist; make it: ${way}`,
    };
  }
  const missing = hasDatabaseUri ? namesOf(stack.metadata.name).authSecrets : secretName;
  return {
    ...waiting('WaitingForDatabase'),
    message: `Secret ${missing} is not there yet; it comes while the database is founded, see condition DatabaseReady: ${describe(stack)}`,
  };
}

function thereIsNoSigningKey({ stack, hasSigningKeys }: AuthServiceObservation): Verdict | undefined {
  if (hasSigningKeys) return undefined;
  return {
    ...waiting('WaitingForSigningKeys'),
    message: `Secret ${namesOf(stack.metadata.name).signingKeys} is not there yet, see condition KeysReady: ${describe(stack)}`,
  };
}

/** The service starts without its first admin: pods that wait would only hide a mistyped name. */
function theInitialAdminIsMissing({ stack, initialAdmin }: AuthServiceObservation): Verdict | undefined {
  const name = stack.spec.auth.initialAdmin?.secretRef.name ?? '';
  const way = `kubectl -n ${stack.metadata.namespace ?? ''} create secret generic ${name} --from-literal=email=… --from-literal=password=…`;
  const verdict = { status: 'False', stalls: 'later', recheckIn: ADMIN_RECHECK } as const;
  switch (initialAdmin.state) {
    case 'missing':
      return {
        ...verdict,
        reason: 'InitialAdminSecretNotFound',
        message: `Secret ${name} of spec.auth.initialAdmin.secretRef does not exist; make it, or remove the field: ${way}`,
      };
    case 'incomplete':
      return {
        ...verdict,
        reason: 'InitialAdminSecretIncomplete',
        message: `Secret ${name} of spec.auth.initialAdmin.secretRef has no ${initialAdmin.key}; it needs email and password: ${way}`,
      };
    case 'notAsked':
    case 'mounted':
    case 'found':
      return undefined;
  }
}

function thePodsAreNotThere({ stack, deployment, pods }: AuthServiceObservation): Verdict | undefined {
  if (!deployment) {
    return { status: 'False', reason: 'Starting', message: 'the Deployment is being made', stalls: 'later' };
  }
  const failure = replicaFailureOf(deployment);
  if (!failure || pods.length > 0) return undefined;
  return {
    status: 'False',
    reason: 'PodsNotCreated',
    message: `no pod of Deployment ${deployment.metadata.name} can be created: ${failure.cause}; ${inspect(stack, 'events --field-selector reason=FailedCreate')}`,
    stalls: 'later',
  };
}

const advice: PodAdvice = {
  imageFields: { auth: "spec.auth.image, or the chart's image.auth," },
  notReady: 'its /readyz does not answer 200, so it gets no traffic',
};

function allReplicasServe(seen: AuthServiceObservation): Verdict | undefined {
  const { replicas } = seen.stack.spec.auth;
  const { available, updated } = countsOf(seen);
  if (!isSeenByItsController(seen) || updated < replicas || available < replicas) return undefined;
  return {
    status: 'True',
    reason: 'AllReplicasAvailable',
    message: `${available} of ${replicas} pods of the auth service serve`,
  };
}

function isSeenByItsController({ deployment }: AuthServiceObservation): boolean {
  return (deployment?.status?.observedGeneration ?? 0) >= (deployment?.metadata.generation ?? 0);
}

function countsOf({ deployment }: AuthServiceObservation): { readonly available: number; readonly updated: number } {
  const { availableReplicas = 0, updatedReplicas = 0 } = deployment?.status ?? {};
  return { available: availableReplicas, updated: updatedReplicas };
}

function noReplicaServes(seen: AuthServiceObservation): Verdict | undefined {
  if (countsOf(seen).available > 0) return undefined;
  const { stack, pods } = seen;
  const problem = diagnoseAll(pods, advice);
  const { namespace = '' } = stack.metadata;
  const pending = `no pod of the auth service is ready yet: kubectl -n ${namespace} get pods -l app.kubernetes.io/instance=${stack.metadata.name},app.kubernetes.io/component=auth`;
  return { status: 'False', stalls: 'later', ...(problem ?? { reason: 'Starting', message: pending }) };
}

/** Those that serve keep the stack ready; the others are explained. */
function someReplicasServe(seen: AuthServiceObservation): Verdict {
  const { replicas } = seen.stack.spec.auth;
  const { available, updated } = countsOf(seen);
  const problem =
    diagnoseAll(seen.pods, advice)?.message ?? (seen.deployment && replicaFailureOf(seen.deployment)?.cause);
  const count = `${available} pods of the auth service serve, ${replicas} are wanted, ${updated} are of the current template`;
  return {
    status: 'True',
    reason: updated < replicas ? 'RollingOut' : 'SomeReplicasUnavailable',
    message: problem === undefined ? count : `${count}; ${problem}`,
    stalls: 'later',
  };
}

function stopped(reason: AuthReadyReason): Omit<Verdict, 'message'> {
  return { status: 'False', reason, stalls: 'now', holdsPods: true };
}

function waiting(reason: AuthReadyReason): Omit<Verdict, 'message'> {
  return { status: 'False', reason, stalls: 'later', holdsPods: true };
}

function stalledBy(verdict: Verdict, seen: AuthServiceObservation): Stalled | undefined {
  const { stalls, reason, message } = verdict;
  if (stalls === undefined) return undefined;
  const isStuck =
    stalls === 'now' || isRolloutStuck(seen) || (verdict.status === 'False' && seen.now >= patienceEnds(seen));
  return isStuck ? { reason, message } : undefined;
}

function isRolloutStuck({ deployment }: AuthServiceObservation): boolean {
  return deployment?.status?.conditions?.some(({ reason }) => reason === 'ProgressDeadlineExceeded') ?? false;
}

/** Counted from when AuthReady was last seen to change, or from the making of the stack. */
function patienceEnds({ stack }: AuthServiceObservation): Millis {
  const changed = stack.status?.conditions?.find(({ type }) => type === 'AuthReady')?.lastTransitionTime;
  return Date.parse(changed ?? stack.metadata.creationTimestamp ?? '') + PATIENCE;
}

function recheck(verdict: Verdict, seen: AuthServiceObservation): { recheckAt?: Millis } {
  if (verdict.status === 'True' || verdict.stalls !== 'later') return {};
  const deadline = patienceEnds(seen);
  const due = verdict.recheckIn === undefined ? Infinity : seen.now + verdict.recheckIn;
  const recheckAt = Math.min(due, deadline > seen.now ? deadline : Infinity);
  return Number.isFinite(recheckAt) ? { recheckAt } : {};
}

function applyPods({ stack, images, initialAdmin }: AuthServiceObservation): KubernetesAction {
  const mountsInitialAdmin = initialAdmin.state === 'found' || initialAdmin.state === 'mounted';
  return apply(deploymentKind, authDeployment(stack, { images, mountsInitialAdmin }));
}

function around({ stack, podDisruptionBudget, ingress }: AuthServiceObservation): readonly KubernetesAction[] {
  const { replicas, ingress: wantsIngress } = stack.spec.auth;
  return [
    apply(serviceKind, authService(stack)),
    apply(networkPolicyKind, authNetworkPolicy(stack)),
    // With one replica it would stop every drain of its node.
    ...(replicas > 1
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

function describe({ metadata: { namespace = '', name } }: AuthStack): string {
  return `kubectl -n ${namespace} describe authstack ${name}`;
}

function inspect({ metadata: { namespace = '' } }: AuthStack, what: string): string {
  return `kubectl -n ${namespace} get ${what}`;
}
