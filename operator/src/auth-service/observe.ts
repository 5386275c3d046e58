import { z } from 'zod';
import type { AuthStack } from '../api/auth-stack.ts';
import { STACK_LABEL, databaseUriOf, namesOf, namespaceOf, selectorOf } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import {
  deploymentKind,
  ingressKind,
  persistentVolumeClaimKind,
  podDisruptionBudgetKind,
  podKind,
  secretKind,
} from '../runtime/core-kinds.ts';
import type { Deployment, Secret } from '../runtime/core-kinds.ts';
import type { KubernetesObject, ObjectRef } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { holdsKeyRing } from '../stored/key-ring.ts';
import { INITIAL_ADMIN_ANNOTATION } from './deployment.ts';
import type { AuthImages, AuthServiceObservation, SeenAuthSecrets, SeenInitialAdmin } from './types.ts';

export interface AuthServicePorts {
  readonly cluster: Cluster;
  readonly images: AuthImages;
}

export async function observeAuthService(
  stack: AuthStack,
  { cluster, images }: AuthServicePorts,
  pass: Pass,
): Promise<AuthServiceObservation> {
  const namespace = namespaceOf(stack);
  const names = namesOf(stack.metadata.name);
  const ref = (name: string): ObjectRef => ({ namespace, name });
  const deployment = cluster.cached(deploymentKind, ref(names.auth));
  const podDisruptionBudget = cluster.cached(podDisruptionBudgetKind, ref(names.auth));
  const ingress = cluster.cached(ingressKind, ref(names.auth));
  const secrets = await readSecrets(stack, cluster, pass);
  // Only while the Secret is missing does it matter, and then it is looked up live.
  const signOfLife = secrets.state === 'absent' ? await findSignOfLife(stack, cluster, pass) : undefined;
  return {
    stack,
    now: pass.now,
    images,
    secrets,
    ...(signOfLife !== undefined && { signOfLife }),
    hasDatabaseUri: await hasDatabaseUri(stack, { cluster, deployment }, pass),
    hasSigningKeys: holdsKeyRing(cluster.cached(secretKind, ref(names.signingKeys))),
    initialAdmin: await readInitialAdmin(stack, { cluster, deployment }, pass),
    ...(deployment && { deployment }),
    pods: cluster.cachedList(podKind, { namespace, labels: selectorOf(stack, 'auth') }),
    ...(podDisruptionBudget && { podDisruptionBudget }),
    ...(ingress && { ingress }),
  };
}

/** The Secret of a database of somebody else is not watched; pods that have its string do not need it looked at again. */
async function hasDatabaseUri(
  stack: AuthStack,
  { cluster, deployment }: AdminPorts,
  { signal }: Pass,
): Promise<boolean> {
  const { secretName: name, key } = databaseUriOf(stack);
  const ref = { namespace: namespaceOf(stack), name };
  if (!stack.spec.mongodb.external) return textIn(cluster.cached(secretKind, ref), key) !== '';
  const isUsed = (deployment?.status?.availableReplicas ?? 0) > 0;
  return isUsed || textIn(await cluster.read(secretKind, ref, { signal }), key) !== '';
}

async function readSecrets(stack: AuthStack, cluster: Cluster, { signal }: Pass): Promise<SeenAuthSecrets> {
  const ref = { namespace: namespaceOf(stack), name: namesOf(stack.metadata.name).authSecrets };
  const secret = await cluster.find(secretKind, ref, { signal });
  if (!secret) return { state: 'absent' };
  if (secret.metadata.labels?.[STACK_LABEL] !== stack.metadata.name) return { state: 'foreign' };
  const why = damageOf(secret);
  return why === undefined ? { state: 'whole' } : { state: 'malformed', why };
}

function textIn(secret: Secret | undefined, key: string): string {
  return Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
}

const keySet = z
  .object({ current: z.string(), keys: z.record(z.string(), z.base64()) })
  .refine(({ current, keys }) => current in keys, 'current names no key');
const authSecrets = z.object({ pepper: keySet, refresh: keySet, totp: keySet });

/** Names the field, never its value. */
function damageOf(secret: Secret): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(textIn(secret, 'secrets.json'));
  } catch {
    return 'secrets.json is not JSON';
  }
  const issue = authSecrets.safeParse(json).error?.issues[0];
  return issue && `secrets.json lacks ${issue.path.join('.') || 'everything'}`;
}

async function findSignOfLife(stack: AuthStack, cluster: Cluster, { signal }: Pass): Promise<string | undefined> {
  const names = namesOf(stack.metadata.name);
  const ref = (name: string): ObjectRef => ({ namespace: namespaceOf(stack), name });
  if (stack.status?.mongodb?.replicaSetId !== undefined) return 'its status records a replica set';
  // Live: a cached identity that is behind would let a second pepper be made.
  const identity = await cluster.read(secretKind, ref(names.identity), { signal });
  if (textIn(identity, 'state') === 'founded') return `Secret ${names.identity} says the database is founded`;
  const deployment = await cluster.read(deploymentKind, ref(names.auth), { signal });
  if (stays(deployment)) return `Deployment ${names.auth} exists`;
  if (identity) return undefined;
  const volume = ref(`data-${names.mongodb}-0`);
  const claim = await cluster.read(persistentVolumeClaimKind, volume, { signal });
  return stays(claim) ? `PersistentVolumeClaim ${volume.name} exists` : undefined;
}

/** What a deletion has already asked to go tells nothing of this life of the stack. */
function stays(object: KubernetesObject | undefined): boolean {
  return object !== undefined && object.metadata.deletionTimestamp === undefined;
}

interface AdminPorts {
  readonly cluster: Cluster;
  readonly deployment: Deployment | undefined;
}

async function readInitialAdmin(
  stack: AuthStack,
  { cluster, deployment }: AdminPorts,
  { signal }: Pass,
): Promise<SeenInitialAdmin> {
  const name = stack.spec.auth.initialAdmin?.secretRef.name;
  if (name === undefined) return { state: 'notAsked' };
  const mounted = deployment?.metadata.annotations?.[INITIAL_ADMIN_ANNOTATION];
  if (mounted === name) return { state: 'mounted' };
  const secret = await cluster.read(secretKind, { namespace: namespaceOf(stack), name }, { signal });
  if (!secret) return { state: 'missing' };
  const key = (['email', 'password'] as const).find((wanted) => textIn(secret, wanted) === '');
  return key ? { state: 'incomplete', key } : { state: 'found' };
}
