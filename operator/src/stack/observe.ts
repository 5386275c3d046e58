import { observeAgents } from '../agents/observe.ts';
import type { AgentsPorts } from '../agents/observe.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { namespaceOf, selectorOf } from '../api/names.ts';
import { observeAuthPods, observeReachability } from '../auth-pods/observe.ts';
import type { AuthPod, AuthPodsPorts } from '../auth-pods/observe.ts';
import type { AuthPodProber } from '../auth-pods/prober.ts';
import { observeAuthService } from '../auth-service/observe.ts';
import type { AuthServicePorts } from '../auth-service/observe.ts';
import { observeCertificates } from '../certificates/observe.ts';
import type { CertificatesPorts } from '../certificates/observe.ts';
import { observeClients } from '../consumers/clients/observe.ts';
import type { ClientsPorts } from '../consumers/clients/observe.ts';
import { observeStackConsumers } from '../consumers/summary.ts';
import { observeExternalDatabase } from '../external-database/observe.ts';
import { observeMongodb } from '../mongodb/observe.ts';
import type { MongodbPorts } from '../mongodb/observe.ts';
import { podKind } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { SigningKeysPorts } from '../signing-keys/apply.ts';
import { observeSigningKeys } from '../signing-keys/observe.ts';
import type { KeysPorts } from '../signing-keys/observe.ts';
import type { DatabaseObservation, StackObservation } from './types.ts';

export type StackPorts = CertificatesPorts &
  MongodbPorts &
  SigningKeysPorts &
  AuthPodsPorts &
  AgentsPorts &
  Omit<ClientsPorts, 'authPods'> &
  Omit<KeysPorts, 'authPods'> &
  Omit<AuthServicePorts, 'authPods'> & { readonly authPodProber: AuthPodProber };

export async function observeStack(stack: AuthStack, ports: StackPorts, pass: Pass): Promise<StackObservation> {
  const authPods = await observeAuthPods(stack, ports, pass);
  const [certificates, database, signingKeys, authService, clients] = await Promise.all([
    observeCertificates(stack, ports, pass),
    observeDatabase(stack, { ...ports, authPods }, pass),
    observeSigningKeys(stack, { ...ports, authPods }, pass),
    observeAuthService(stack, { ...ports, authPods }, pass),
    observeClients(stack, { ...ports, authPods }, pass),
  ]);
  return {
    stack,
    certificates,
    database,
    signingKeys,
    // Read last: agents of a node that is gone were waited for, and who answered before that may be gone as well.
    authService: { ...authService, serving: observeReachability({ ...ports, authPods }) },
    clients,
    consumers: observeStackConsumers(stack, ports, pass),
  };
}

/** A stack has one database: its own replica set, or one that is not ours. */
async function observeDatabase(
  stack: AuthStack,
  ports: StackPorts & { readonly authPods: readonly AuthPod[] },
  pass: Pass,
): Promise<DatabaseObservation> {
  if (stack.spec.mongodb.external) return { type: 'external', seen: observeExternalDatabase(stack, ports, pass) };
  const namespace = namespaceOf(stack);
  const pods = ports.cluster.cachedList(podKind, { namespace, labels: selectorOf(stack, 'mongodb') });
  const { agents, memberStreams } = ports;
  const holdsStreams = stack.spec.mongodb.assistedElections;
  const ref = { namespace, name: stack.metadata.name };
  const reports = await observeAgents(ref, { pods, agents, memberStreams, holdsStreams }, pass);
  return { type: 'mongodb', seen: await observeMongodb(stack, { ...ports, pods, reports }, pass) };
}
