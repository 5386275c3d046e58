import type { AuthPodKeys } from '../auth-pods/keys-client.ts';
import { isApiError } from '../runtime/client.ts';
import { isKubernetesAction, performKubernetes } from '../runtime/cluster.ts';
import type { Cluster, Performed } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { keyRing } from '../stored/key-ring.ts';
import type { StoredKey, StoredRing } from '../stored/key-ring.ts';
import { createStored, readStored, replaceStored, textsIn } from '../stored/secret.ts';
import type { Seen } from '../stored/secret.ts';
import { editRing } from './edit.ts';
import type { EditContext, FreshKey } from './edit.ts';
import { freshKey } from './fresh-key.ts';
import { importKey } from './imported-key.ts';
import type { CreateRing, RingAction, SigningKeysAction } from './types.ts';

export interface SigningKeysPorts {
  readonly cluster: Cluster;
  readonly authPodKeys: AuthPodKeys;
  /** A pass may be under way for a while; what is stored is the time of the write. */
  readonly now: () => Millis;
}

/** The only place of the operator that holds a private key: it makes it here, or reads it to write it back. */
export async function performSigningKeys(
  action: SigningKeysAction,
  { cluster, authPodKeys, now }: SigningKeysPorts,
  pass: Pass,
): Promise<Performed> {
  if (isKubernetesAction(action)) return performKubernetes(action, cluster, pass);
  const stack = { metadata: action.stack };
  switch (action.type) {
    case 'createRing': {
      const context = at(now());
      const imported = action.imported && (await importAgain(action, { cluster, publishedAt: context.at }, pass));
      if (imported === 'another') return 'overtaken';
      return performKubernetes(createStored(keyRing, stack, newRing(action, context, imported)), cluster, pass);
    }
    case 'editRing': {
      const { resourceVersion, edit } = action;
      const ring = await storedRing(action.stack, cluster, pass);
      // The plan was made on a cache that was behind; the next pass plans afresh.
      if (ring.state !== 'value' || ring.resourceVersion !== resourceVersion) return 'overtaken';
      const value = editRing(ring.value, edit, at(now()));
      return unlessOvertaken(
        performKubernetes(replaceStored(keyRing, stack, { value, resourceVersion }), cluster, pass),
      );
    }
    case 'reloadPods': {
      const { pods, wanted } = action;
      await Promise.all(pods.map((pod) => authPodKeys.reload({ stack: action.stack, ...pod }, wanted, pass)));
      return 'done';
    }
  }
}

function at(time: Millis): EditContext {
  return { at: time, fresh: (algorithm) => freshKey(algorithm, time) };
}

interface ImportPorts {
  readonly cluster: Cluster;
  readonly publishedAt: Millis;
}

/** The key itself: a plan has only seen its kid. `another`: the Secret has changed since then. */
async function importAgain(
  { stack, imported }: Extract<RingAction, CreateRing>,
  { cluster, publishedAt }: ImportPorts,
  pass: Pass,
): Promise<FreshKey | 'another' | undefined> {
  if (!imported) return undefined;
  const { secretRef, kid } = imported.from;
  const secret = await cluster.read(secretKind, { ...stack, name: secretRef.name }, pass);
  const read = importKey((secret && textsIn(secret)[secretRef.key]) ?? '', { kid, publishedAt });
  return 'key' in read && read.key.kid === imported.kid ? read.key : 'another';
}

/** Somebody wrote the ring after it was read; nothing in the plan comes after an edit. */
async function unlessOvertaken(write: Promise<Performed>): Promise<Performed> {
  try {
    return await write;
  } catch (error) {
    if (isApiError(error, 409)) return 'overtaken';
    throw error;
  }
}

/** The ring of a stack that has none. */
export function newRing(action: CreateRing, context: EditContext, imported?: FreshKey): StoredRing {
  const ring = unrevoked(action, context, imported);
  return action.revocation ? editRing(ring, action.revocation, context) : ring;
}

function unrevoked(action: CreateRing, context: EditContext, imported?: FreshKey): StoredRing {
  const { algorithm, lifetimes, first, remembered, revoked } = action;
  const { at: time, fresh } = context;
  const retiring = remembered.map((publicJwk): StoredKey => {
    const { kid, alg } = publicJwk;
    return { kid, phase: 'retiring', algorithm: alg, publicJwk, publishedAt: time, retiredAt: time };
  });
  const next = fresh(algorithm);
  if (first === 'next') return { keys: [...retiring, next], lifetimes, revoked, version: time };
  const active: StoredKey = { ...(imported ?? fresh(algorithm)), phase: 'active', activatedAt: time };
  return { keys: [...retiring, active, next], lifetimes, revoked, version: time };
}

/** Straight from the API server: an observation never holds a private key, and a cache may be behind. */
async function storedRing(stack: ObjectRef, cluster: Cluster, pass: Pass): Promise<Seen<StoredRing>> {
  const ref = { ...stack, name: keyRing.nameOf(stack.name) };
  return readStored(keyRing, { metadata: stack }, await cluster.read(secretKind, ref, pass));
}
