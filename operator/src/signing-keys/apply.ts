import { createHash, generateKeyPairSync } from 'node:crypto';
import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf } from '../api/names.ts';
import { performKubernetes } from '../runtime/cluster.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { editRing } from './edit.ts';
import type { FreshKey } from './edit.ts';
import { parseRing } from './ring.ts';
import type { StoredKey } from './ring.ts';
import type { Algorithm, PublicJwk, SigningKeysAction } from './types.ts';

export interface SigningKeysPorts {
  readonly cluster: Cluster;
}

/** The ring is another one than the plan was made on; the next pass plans afresh. */
export class RingChanged extends Error {
  override readonly name: string = 'RingChanged';
  readonly code: string = 'RING_CHANGED';
}

export async function performSigningKeys(
  action: SigningKeysAction,
  { cluster }: SigningKeysPorts,
  pass: Pass,
): Promise<void> {
  switch (action.type) {
    case 'createRing': {
      const keys = firstKeys(action);
      await cluster.create(secretKind, ringSecret(action.stack, keys), pass);
      return;
    }
    case 'editRing': {
      const { stack, resourceVersion, edit } = action;
      const keys = await storedKeys(stack, { cluster, resourceVersion }, pass);
      const algorithm = 'algorithm' in edit ? edit.algorithm : 'ES256';
      const edited = editRing(keys, edit, () => freshKey(algorithm, pass.now));
      const secret = ringSecret(stack, edited);
      await cluster.replace(secretKind, { ...secret, metadata: { ...secret.metadata, resourceVersion } }, pass);
      return;
    }
    case 'apply':
    case 'create':
    case 'replace':
    case 'delete':
      return performKubernetes(action, cluster, pass);
  }
}

type CreateRing = Extract<SigningKeysAction, { type: 'createRing' }>;

function firstKeys({ algorithm, at, ttl, activate, remembered }: CreateRing): readonly StoredKey[] {
  const retiring = remembered.map((publicJwk): StoredKey => {
    const { kid, alg } = publicJwk;
    const past = { publishedAt: at, retiredAt: at, longestTtl: ttl };
    return { kid, phase: 'retiring', algorithm: alg, publicJwk, ...past };
  });
  const next = freshKey(algorithm, at);
  if (!activate) return [...retiring, next];
  const first = freshKey(algorithm, at);
  const active: StoredKey = { ...first, phase: 'active', activatedAt: at, ttlAtActivation: ttl, longestTtl: ttl };
  return [...retiring, active, next];
}

async function storedKeys(
  stack: AuthStack,
  { cluster, resourceVersion }: { readonly cluster: Cluster; readonly resourceVersion: string },
  pass: Pass,
): Promise<readonly StoredKey[]> {
  const ref = { namespace: namespaceOf(stack), name: namesOf(stack.metadata.name).signingKeys };
  const secret = await cluster.read(secretKind, ref, pass);
  if (secret?.metadata.resourceVersion !== resourceVersion) {
    throw new RingChanged(`edit Secret ${ref.namespace}/${ref.name}: it changed since the edit was decided`);
  }
  const ring = parseRing(ringText(secret));
  if ('why' in ring) throw new RingChanged(`edit Secret ${ref.namespace}/${ref.name}: ${ring.why}`);
  return ring.keys;
}

export function ringText(secret: Secret | undefined): string {
  return Buffer.from(secret?.data?.['ring.json'] ?? '', 'base64').toString('utf8');
}

function ringSecret(stack: AuthStack, keys: readonly StoredKey[]): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: namesOf(stack.metadata.name).signingKeys,
      namespace: namespaceOf(stack),
      labels: labelsOf(stack, 'signing-keys'),
    },
    type: 'Opaque',
    data: { 'ring.json': Buffer.from(JSON.stringify({ keys })).toString('base64') },
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
