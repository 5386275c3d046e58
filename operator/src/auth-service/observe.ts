import { files } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../api/names.ts';
import type { AuthPod } from '../auth-pods/observe.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { deploymentKind, ingressKind, podDisruptionBudgetKind, secretKind } from '../runtime/core-kinds.ts';
import type { Deployment, Secret } from '../runtime/core-kinds.ts';
import type { ObjectRef } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { readAuthSecrets } from '../stored/auth-secrets.ts';
import { databaseUriOf, readDatabaseUri } from '../stored/database-uri.ts';
import type { SeenDatabaseUri } from '../stored/database-uri.ts';
import { canHaveUsers } from '../stored/database-users.ts';
import { readIdentity } from '../stored/identity.ts';
import { publishedKeys } from '../stored/jwks.ts';
import { readKeyRing } from '../stored/key-ring.ts';
import { readStored, textsIn } from '../stored/secret.ts';
import type { Seen } from '../stored/secret.ts';
import { authTls } from '../stored/server-tls.ts';
import { wrappingSecretsOf } from '../stored/wrapping-keys.ts';
import type { DatabaseClient } from './database-client.ts';
import { INITIAL_ADMIN_ANNOTATION } from './deployment.ts';
import { observeEarlierStart } from './earlier-start.ts';
import type { EarlierStartPorts } from './earlier-start.ts';
import type {
  AuthImages,
  AuthServiceObservation,
  NotedLifetimes,
  ObservedAuthSecrets,
  SeenInitialAdmin,
} from './types.ts';

export interface AuthServicePorts {
  readonly cluster: Cluster;
  readonly images: AuthImages;
  readonly authPods: readonly AuthPod[];
  readonly databaseClient: DatabaseClient;
}

export async function observeAuthService(
  stack: AuthStack,
  { cluster, images, authPods, databaseClient }: AuthServicePorts,
  pass: Pass,
): Promise<Omit<AuthServiceObservation, 'serving'>> {
  const names = namesOf(stack.metadata.name);
  const ref = (name: string): ObjectRef => ({ namespace: namespaceOf(stack), name });
  // The watch sees only what carries our labels; a Secret without them must be reported as that, not as absent.
  const find = (name: string): Promise<Secret | undefined> => cluster.find(secretKind, ref(name), pass);
  const deployment = cluster.cached(deploymentKind, ref(names.auth));
  const podDisruptionBudget = cluster.cached(podDisruptionBudgetKind, ref(names.auth));
  const ingress = cluster.cached(ingressKind, ref(names.auth));
  const ring = readKeyRing(stack, await find(names.signingKeys));
  const lifetimesAsPublished = async (): Promise<NotedLifetimes | undefined> => {
    const published = readStored(publishedKeys, stack, await find(publishedKeys.nameOf(stack.metadata.name)));
    return published.state === 'value' ? published.value.lifetimes : undefined;
  };
  return {
    stack,
    now: pass.now,
    images,
    secrets: await observeSecrets(stack, { cluster, databaseClient }, pass),
    databaseUri: await observeDatabaseUri(stack, { cluster, deployment }, pass),
    // A damaged ring is the condition of the keys; pods serve with what they read before.
    keyRing: stateOf(ring),
    notedLifetimes: ring.state === 'value' ? ring.value.lifetimes : await lifetimesAsPublished(),
    wrappingSecrets: wrappingSecretsOf(stack, ring.state === 'value' ? ring.value.wrapping : undefined),
    certificate: stateOf(readStored(authTls, stack, await find(names.authTls))),
    initialAdmin: await observeInitialAdmin(stack, { cluster, deployment }, pass),
    ...(deployment && { deployment }),
    pods: authPods.map(({ pod }) => pod),
    ...(podDisruptionBudget && { podDisruptionBudget }),
    ...(ingress && { ingress }),
  };
}

function stateOf({ state }: Seen<unknown>): 'absent' | 'foreign' | 'present' {
  return state === 'absent' || state === 'foreign' ? state : 'present';
}

async function observeSecrets(stack: AuthStack, ports: EarlierStartPorts, pass: Pass): Promise<ObservedAuthSecrets> {
  const ref = { namespace: namespaceOf(stack), name: namesOf(stack.metadata.name).authSecrets };
  const seen = readAuthSecrets(stack, await ports.cluster.find(secretKind, ref, pass));
  return seen.state === 'absent' ? { ...seen, earlierStart: await observeEarlierStart(stack, ports, pass) } : seen;
}

interface WithDeployment {
  readonly cluster: Cluster;
  readonly deployment: Deployment | undefined;
}

/** The Secret of an external database is not watched; while pods serve with its string it is not read again. */
async function observeDatabaseUri(
  stack: AuthStack,
  { cluster, deployment }: WithDeployment,
  pass: Pass,
): Promise<SeenDatabaseUri> {
  const namespace = namespaceOf(stack);
  const ref = { namespace, name: databaseUriOf(stack).secretName };
  if (!stack.spec.mongodb.external) {
    const identity = cluster.cached(secretKind, { namespace, name: namesOf(stack.metadata.name).identity });
    const user = canHaveUsers(readIdentity(stack, identity))
      ? await cluster.find(secretKind, ref, pass)
      : cluster.cached(secretKind, ref);
    return readDatabaseUri(stack, user);
  }
  if ((deployment?.status?.availableReplicas ?? 0) > 0) return 'present';
  return readDatabaseUri(stack, await cluster.read(secretKind, ref, pass));
}

async function observeInitialAdmin(
  stack: AuthStack,
  { cluster, deployment }: WithDeployment,
  pass: Pass,
): Promise<SeenInitialAdmin> {
  const name = stack.spec.auth.initialAdmin?.secretRef.name;
  if (name === undefined) return { state: 'notAsked' };
  const mounted = deployment?.metadata.annotations?.[INITIAL_ADMIN_ANNOTATION];
  if (mounted === name) return { state: 'mounted' };
  const secret = await cluster.read(secretKind, { namespace: namespaceOf(stack), name }, pass);
  if (!secret) return { state: 'missing' };
  const texts = textsIn(secret);
  const key = [files.email, files.password].find((wanted) => (texts[wanted] ?? '') === '');
  return key === undefined ? { state: 'present' } : { state: 'incomplete', key };
}
