import { z } from 'zod';
import type { AuthStack } from '../api/auth-stack.ts';
import { durationMillis } from '../api/duration.ts';
import { CONSUMER_LABEL, STACK_LABEL, STACK_NAMESPACE_LABEL, namesOf, namespaceOf, selectorOf } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { podKind, secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { ringText } from './apply.ts';
import type { SigningKeysPorts } from './apply.ts';
import { parseRing, withoutPrivate } from './ring.ts';
import type { Copy, KeyPolicy, KeysObservation, PublicJwk, SeenJwks, SeenRing } from './types.ts';

export async function observeSigningKeys(
  stack: AuthStack,
  { cluster }: SigningKeysPorts,
  pass: Pass,
): Promise<KeysObservation> {
  const names = namesOf(stack.metadata.name);
  const find = async (name: string): Promise<Secret | undefined> => {
    const ref = { namespace: namespaceOf(stack), name };
    // A ring that the watch does not show must be seen to be gone before another is made.
    return cluster.cached(secretKind, ref) ?? (await cluster.read(secretKind, ref, pass));
  };
  const [ring, jwks] = await Promise.all([find(names.signingKeys), find(names.jwks)]);
  const pods = cluster.cachedList(podKind, { namespace: namespaceOf(stack), labels: selectorOf(stack, 'auth') });
  return {
    stack,
    now: pass.now,
    policy: policyOf(stack),
    ring: readRing(stack, ring),
    jwks: readJwks(stack, jwks),
    copies: copiesOf(stack, cluster),
    authServiceRuns: pods.some(({ status }) => status?.containerStatuses?.some(({ started }) => started === true)),
  };
}

function policyOf({ spec }: AuthStack): KeyPolicy {
  const { algorithm, rotationInterval, propagation } = spec.signingKeys;
  return {
    algorithm,
    rotationInterval: durationMillis(rotationInterval),
    jwksMaxAge: durationMillis(propagation.jwksMaxAge),
    volumeRefresh: durationMillis(propagation.volumeRefresh),
    clockSkew: durationMillis(propagation.clockSkew),
    accessTokenTtl: durationMillis(spec.auth.accessTokenTTL),
  };
}

function readRing(stack: AuthStack, secret: Secret | undefined): SeenRing {
  if (!secret) return { state: 'absent' };
  if (!isOurs(stack, secret)) return { state: 'foreign' };
  const ring = parseRing(ringText(secret));
  if ('why' in ring) return { state: 'malformed', why: ring.why };
  const resourceVersion = secret.metadata.resourceVersion ?? '';
  return { state: 'present', resourceVersion, keys: ring.keys.map(withoutPrivate) };
}

function readJwks(stack: AuthStack, secret: Secret | undefined): SeenJwks {
  if (!secret) return { state: 'absent' };
  if (!isOurs(stack, secret)) return { state: 'foreign' };
  return { state: 'present', keys: keysIn(secret) };
}

function isOurs(stack: AuthStack, { metadata }: Secret): boolean {
  return metadata.labels?.[STACK_LABEL] === stack.metadata.name;
}

const jwksFile = z.object({ keys: z.array(z.object({ kid: z.string() }).loose()) });

/** Of a `jwks.json` that somebody may have edited: what reads as a key set, else nothing. */
function keysIn(secret: Secret): readonly PublicJwk[] {
  try {
    const text = Buffer.from(secret.data?.['jwks.json'] ?? '', 'base64').toString('utf8');
    return jwksFile.parse(JSON.parse(text)).keys as unknown as readonly PublicJwk[];
  } catch {
    return [];
  }
}

function copiesOf(stack: AuthStack, cluster: Cluster): readonly Copy[] {
  const labels = {
    [STACK_LABEL]: stack.metadata.name,
    [STACK_NAMESPACE_LABEL]: namespaceOf(stack),
    'app.kubernetes.io/component': 'consumer',
  };
  return cluster.cachedList(secretKind, { labels }).map((secret) => ({
    consumer: `${secret.metadata.namespace ?? ''}/${secret.metadata.labels?.[CONSUMER_LABEL] ?? ''}`,
    kids: new Set(keysIn(secret).map(({ kid }) => kid)),
  }));
}
