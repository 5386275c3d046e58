import { KeyNotUnwrapped } from '@authstack/auth-service/wrapped-key';
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
import type { CreateRing, EditRing, RingAction, SigningKeysAction } from './types.ts';
import { needsWrapping, wrapRing } from './wrap-ring.ts';
import { findWrappingKeys } from './wrapping-keys.ts';
import type { WrappingKeysPorts } from './wrapping-keys.ts';

export interface SigningKeysPorts extends WrappingKeysPorts {
  readonly cluster: Cluster;
  readonly authPodKeys: AuthPodKeys;
  /** A pass may be under way for a while; what is stored is the time of the write. */
  readonly now: () => Millis;
}

/** The only place of the operator that holds a private key: it makes it here, or reads it to write it back. */
export async function performSigningKeys(
  action: SigningKeysAction,
  ports: SigningKeysPorts,
  pass: Pass,
): Promise<Performed> {
  if (isKubernetesAction(action)) return performKubernetes(action, ports.cluster, pass);
  switch (action.type) {
    case 'createRing':
      return createRing(action, ports, pass);
    case 'editRing':
      return editStoredRing(action, ports, pass);
    case 'reloadPods': {
      const { stack, pods, wanted } = action;
      await Promise.all(pods.map((pod) => ports.authPodKeys.reload({ stack, ...pod }, wanted, pass)));
      return 'done';
    }
  }
}

async function createRing(
  action: Extract<RingAction, CreateRing>,
  ports: SigningKeysPorts,
  pass: Pass,
): Promise<Performed> {
  const { stack } = action;
  const context = at(ports.now());
  const imported = action.imported && (await importAgain(action, { ...ports, publishedAt: context.at }, pass));
  if (imported === 'another') return 'overtaken';
  const value = await wrapped(newRing(action, context, imported), { ...ports, stack }, pass);
  return value
    ? performKubernetes(createStored(keyRing, { metadata: stack }, value), ports.cluster, pass)
    : 'overtaken';
}

async function editStoredRing(
  { stack, resourceVersion, edit }: Extract<RingAction, EditRing>,
  ports: SigningKeysPorts,
  pass: Pass,
): Promise<Performed> {
  const ring = await storedRing(stack, ports.cluster, pass);
  // The plan was made on a cache that was behind; the next pass plans afresh.
  if (ring.state !== 'value' || ring.resourceVersion !== resourceVersion) return 'overtaken';
  const edited = editRing(ring.value, edit, at(ports.now()));
  const value = await wrapped(edited, { ...ports, stack, before: ring.value }, pass);
  if (!value) return 'overtaken';
  const replacement = replaceStored(keyRing, { metadata: stack }, { value, resourceVersion });
  return unlessOvertaken(performKubernetes(replacement, ports.cluster, pass));
}

interface ToBeWrapped extends WrappingKeysPorts {
  readonly stack: ObjectRef;
  readonly before?: StoredRing;
}

/** As it is to be stored; undefined: a wrapping key that the plan saw is not there any more, and the next pass looks at it. */
async function wrapped(
  ring: StoredRing,
  { stack, before, cluster, wrappingKeys }: ToBeWrapped,
  pass: Pass,
): Promise<StoredRing | undefined> {
  if (!needsWrapping(ring)) return ring;
  const names = [ring.wrapping, before?.wrapping].flatMap((wrapping) => (wrapping ? [wrapping.secretName] : []));
  try {
    return await wrapRing(ring, await findWrappingKeys([...new Set(names)], { cluster, stack }, pass));
  } catch (error) {
    if (!(error instanceof KeyNotUnwrapped)) throw error;
    wrappingKeys.delete(stack);
    return undefined;
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
  const { algorithm, lifetimes, first, remembered, revoked, wrapping } = action;
  const { at: time, fresh } = context;
  const retiring = remembered.map((publicJwk): StoredKey => {
    const { kid, alg } = publicJwk;
    return { kid, phase: 'retiring', algorithm: alg, publicJwk, publishedAt: time, retiredAt: time };
  });
  const ring = { lifetimes, revoked, version: time, ...(wrapping && { wrapping }) };
  if (algorithm === undefined) return { ...ring, keys: retiring };
  const next = fresh(algorithm);
  if (first === 'next') return { ...ring, keys: [...retiring, next] };
  const active: StoredKey = { ...(imported ?? fresh(algorithm)), phase: 'active', activatedAt: time };
  return { ...ring, keys: [...retiring, active, next] };
}

/** Straight from the API server: an observation never holds a private key, and a cache may be behind. */
async function storedRing(stack: ObjectRef, cluster: Cluster, pass: Pass): Promise<Seen<StoredRing>> {
  const ref = { ...stack, name: keyRing.nameOf(stack.name) };
  return readStored(keyRing, { metadata: stack }, await cluster.read(secretKind, ref, pass));
}
