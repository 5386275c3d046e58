import { variables } from '@authstack/auth-service/api';
import type { PodStatus } from '@authstack/auth-service/api';
import { z } from 'zod';
import type { AuthStack } from '../api/auth-stack.ts';
import { namespaceOf, selectorOf } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { podKind } from '../runtime/core-kinds.ts';
import type { Pod } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { AuthPodClient } from './client.ts';
import { isReady } from './prober.ts';
import type { AuthPodProber } from './prober.ts';
import type { Reachability } from './reachability.ts';

/** A pod of the auth service, as one pass observed it for every feature. */
export interface AuthPod {
  readonly pod: Pod;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** Its containers have started and, as far as is known, not ended for good: it may sign, ready or not. */
  readonly mayHoldKeys: boolean;
  /** Since when each of its containers runs. */
  readonly runningSince: readonly Millis[];
  /** What it was started with, which may be of an earlier template; 0 where that is not set. */
  readonly settings: { readonly accessTokenTtl: Millis; readonly jwksMaxAge: Millis };
  /** It has the listener for services: pods of an earlier template have none. */
  readonly servesClients: boolean;
  /** `notAsked`: nothing that the stack needs to know. */
  readonly status: PodStatus | 'unknown' | 'notAsked';
}

/** With whether it can be reached, which is read apart: of that only the latest counts. */
export type ReachedPod = AuthPod & { readonly reachability: Reachability };

export interface AuthPodsPorts {
  readonly cluster: Cluster;
  readonly authPodClient: AuthPodClient;
}

/** Every pod of the auth service that exists. Only with an external database is each asked for its status. */
export async function observeAuthPods(
  stack: AuthStack,
  { cluster, authPodClient }: AuthPodsPorts,
  pass: Pass,
): Promise<readonly AuthPod[]> {
  const statusOf = async ({ metadata, status }: Pod): Promise<AuthPod['status']> => {
    if (!stack.spec.mongodb.external || metadata.deletionTimestamp !== undefined) return 'notAsked';
    return status?.podIP === undefined ? 'unknown' : authPodClient.status(status.podIP, pass);
  };
  return Promise.all(podsOf(stack, cluster).map(async (pod) => authPodOf(pod, await statusOf(pod))));
}

/** The same of the watch alone: nothing is waited for. */
export function knownAuthPods(stack: AuthStack, cluster: Cluster): readonly AuthPod[] {
  return podsOf(stack, cluster).map((pod) => authPodOf(pod, 'notAsked'));
}

function podsOf(stack: AuthStack, cluster: Cluster): readonly Pod[] {
  return cluster.cachedList(podKind, { namespace: namespaceOf(stack), labels: selectorOf(stack, 'auth') });
}

/** As it is known in this moment; those that are Terminating are left out. */
export function observeReachability({
  authPods,
  authPodProber,
}: {
  readonly authPods: readonly AuthPod[];
  readonly authPodProber: AuthPodProber;
}): readonly ReachedPod[] {
  return authPods
    .filter(({ isTerminating }) => !isTerminating)
    .map((authPod) => ({ ...authPod, reachability: authPodProber.reachabilityOf(authPod.pod.metadata) }));
}

export function authPodOf(pod: Pod, status: AuthPod['status']): AuthPod {
  return {
    pod,
    isReady: isReady(pod),
    isTerminating: pod.metadata.deletionTimestamp !== undefined,
    mayHoldKeys: hasStarted(pod) && !hasEnded(pod),
    runningSince: startsOf(pod),
    settings: {
      accessTokenTtl: secondsIn(pod, variables.accessTokenTtlSeconds),
      jwksMaxAge: secondsIn(pod, variables.jwksMaxAgeSeconds),
    },
    servesClients: valuesIn(pod, variables.clientsFile).length > 0,
    status,
  };
}

function hasStarted({ status }: Pod): boolean {
  const containers = status?.containerStatuses ?? [];
  return containers.some(({ state, lastState }) => state?.running ?? state?.terminated ?? lastState?.terminated);
}

/** Its kubelet says so; that nothing is heard of it says nothing. */
function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}

function startsOf({ status }: Pod): readonly Millis[] {
  const containers = status?.containerStatuses ?? [];
  return containers.flatMap(({ state }) => (state?.running?.startedAt ? [Date.parse(state.running.startedAt)] : []));
}

const template = z.object({
  spec: z.object({
    containers: z.array(
      z.object({ env: z.array(z.object({ name: z.string(), value: z.string().optional() })).optional() }),
    ),
  }),
});

/** A setting that the pod was started with. */
function secondsIn(pod: Pod, variable: string): Millis {
  const seconds = valuesIn(pod, variable).map(Number);
  return Math.max(0, ...seconds.filter((value) => Number.isFinite(value))) * 1000;
}

function valuesIn(pod: Pod, variable: string): readonly string[] {
  const containers = template.safeParse(pod).data?.spec.containers ?? [];
  const values = containers.flatMap(({ env = [] }) => env.filter(({ name }) => name === variable));
  return values.flatMap(({ value }) => (value === undefined ? [] : [value]));
}
