import { createHash, generateKeyPairSync } from 'node:crypto';
import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf } from '../api/names.ts';
import { isKubernetesAction, performKubernetes } from '../runtime/cluster.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { editRing } from './edit.ts';
import type { FreshKey, Pen } from './edit.ts';
import { parseRing } from './ring.ts';
import type { StoredKey, StoredRing } from './ring.ts';
import type { Algorithm, PublicJwk, SigningKeysAction } from './types.ts';

export interface SigningKeysPorts {
  readonly cluster: Cluster;
  /** A pass may be under way for a while; what is stored is the time of the write. */
  readonly now: () => Millis;
}

export async function performSigningKeys(
  action: SigningKeysAction,
  { cluster, now }: SigningKeysPorts,
  pass: Pass,
): Promise<void> {
  if (isKubernetesAction(action)) {
    await performKubernetes(action, cluster, pass);
    return;
  }
  switch (action.type) {
    case 'createRing': {
      const ring = newRing(action, penOf(now()));
      await cluster.create(secretKind, ringSecret(action.stack, ring), pass);
      return;
    }
    case 'editRing': {
      const { stack, resourceVersion, edit } = action;
      const ring = await storedRing(stack, cluster, pass);
      // The plan was made on a cache that was behind; the next pass plans afresh.
      if (ring?.resourceVersion !== resourceVersion) return;
      const secret = ringSecret(stack, editRing(ring, edit, penOf(now())));
      await cluster.replace(secretKind, { ...secret, metadata: { ...secret.metadata, resourceVersion } }, pass);
      return;
    }
  }
}

function penOf(at: Millis): Pen {
  return { at, fresh: (algorithm) => freshKey(algorithm, at) };
}

type CreateRing = Extract<SigningKeysAction, { type: 'createRing' }>;

/** The ring of a stack that has none. */
export function newRing({ algorithm, lifetimes, first, remembered }: CreateRing, { at, fresh }: Pen): StoredRing {
  const retiring = remembered.map((publicJwk): StoredKey => {
    const { kid, alg } = publicJwk;
    return { kid, phase: 'retiring', algorithm: alg, publicJwk, publishedAt: at, retiredAt: at };
  });
  const next = fresh(algorithm);
  if (first === 'next') return { keys: [...retiring, next], lifetimes };
  const active: StoredKey = { ...fresh(algorithm), phase: 'active', activatedAt: at };
  return { keys: [...retiring, active, next], lifetimes };
}

/** Straight from the API server: what is edited holds private keys, and an observation never does. */
async function storedRing(
  stack: AuthStack,
  cluster: Cluster,
  pass: Pass,
): Promise<(StoredRing & { readonly resourceVersion: string | undefined }) | undefined> {
  const ref = { namespace: namespaceOf(stack), name: namesOf(stack.metadata.name).signingKeys };
  const secret = await cluster.read(secretKind, ref, pass);
  const ring = parseRing(textIn(secret, 'ring.json'));
  return 'why' in ring ? undefined : { ...ring, resourceVersion: secret?.metadata.resourceVersion };
}

export function textIn(secret: Secret | undefined, key: string): string {
  return Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
}

function ringSecret(stack: AuthStack, { keys, lifetimes }: StoredRing): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: namesOf(stack.metadata.name).signingKeys,
      namespace: namespaceOf(stack),
      labels: labelsOf(stack, 'signing-keys'),
    },
    type: 'Opaque',
    data: { 'ring.json': Buffer.from(JSON.stringify({ keys, lifetimes })).toString('base64') },
  };
}

/** A key pair as JWKs (RFC 7517); its kid is its thumbprint (RFC 7638). */
export function freshKey(algorithm: Algorithm, publishedAt: Millis): FreshKey {
  const pair =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 3072 });
  const bare = pair.publicKey.export({ format: 'jwk' }) as Record<string, string>;
  const kid = thumbprint(bare);
  const common = { kid, alg: algorithm, use: 'sig' } as const;
  return {
    kid,
    phase: 'next',
    algorithm,
    publishedAt,
    publicJwk: { ...bare, ...common } as PublicJwk,
    privateJwk: { ...pair.privateKey.export({ format: 'jwk' }), ...common },
  };
}

function thumbprint(jwk: Readonly<Record<string, string>>): string {
  const required = jwk['kty'] === 'EC' ? ['crv', 'kty', 'x', 'y'] : ['e', 'kty', 'n'];
  const canonical = JSON.stringify(Object.fromEntries(required.map((member) => [member, jwk[member]])));
  return createHash('sha256').update(canonical).digest('base64url');
}
