import type { WrappingKey } from '@authstack/auth-service/wrapped-key';
import { namespaceOf } from '../api/names.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import type { PerObject } from '../runtime/per-object.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { keyRing } from '../stored/key-ring.ts';
import { readStored } from '../stored/secret.ts';
import { wrappingKeyIn, wrappingKeysIn, wrappingSecretsOf } from '../stored/wrapping-keys.ts';
import { ringOf } from './ring.ts';
import type { KeysObservation, SeenWrappingKeys, WantedWrapping } from './types.ts';
import { damageOf } from './wrap-ring.ts';
import { WRAPPING_KEYS_SEEN, isWrappedAsWanted } from './wrapping.ts';

/** What was last seen of the owner's Secrets, for each stack; nothing of a key but its id. */
export type RememberedWrappingKeys = Pick<PerObject<Remembered>, 'get' | 'set' | 'delete'>;

export interface Remembered {
  readonly at: Millis;
  /** The spec and the ring that it was seen for. */
  readonly of: string;
  readonly seen: SeenWrappingKeys;
}

export interface WrappingKeysPorts {
  readonly cluster: Pick<Cluster, 'read'>;
  readonly wrappingKeys: RememberedWrappingKeys;
}

/**
 * With the wrapping keys as they are now, or, while nothing was missing or to be changed, as they were a short time ago: the Secrets
 * are not watched, and a stack at rest costs no request in each pass. A ring that is not as it was wrapped counts as malformed.
 */
export async function withWrappingKeys(
  known: KeysObservation,
  { cluster, wrappingKeys, secret }: WrappingKeysPorts & { readonly secret: Secret | undefined },
  pass: Pass,
): Promise<KeysObservation> {
  const { stack } = known;
  const ring = ringOf(known);
  const names = wrappingSecretsOf(stack, ring?.wrapping);
  if (names.length === 0) return known;
  const of = JSON.stringify([stack.spec.signingKeys.encryption, ring?.resourceVersion]);
  const before = wrappingKeys.get(stack.metadata);
  const isRecent = before?.of === of && Math.abs(pass.now - before.at) < WRAPPING_KEYS_SEEN;
  if (before && isRecent) return { ...known, wrappingKeys: before.seen };
  const secrets = await readSecrets(names, { cluster, namespace: namespaceOf(stack) }, pass);
  const keys = [...secrets.values()].flatMap(wrappingKeysIn);
  const seen = { wanted: wantedIn(stack, secrets), ids: [...new Set(keys.map(({ id }) => id))] };
  const observed = await unlessDamaged({ ...known, wrappingKeys: seen }, secret, finderOf(keys));
  const checked = ringOf(observed);
  if (checked && isWrappedAsWanted(checked)) wrappingKeys.set(stack.metadata, { at: pass.now, of, seen });
  else wrappingKeys.delete(stack.metadata);
  return observed;
}

async function unlessDamaged(seen: KeysObservation, secret: Secret | undefined, find: Find): Promise<KeysObservation> {
  const stored = readStored(keyRing, seen.stack, secret);
  const why = stored.state === 'value' ? await damageOf(stored.value, find) : undefined;
  return why === undefined ? seen : { ...seen, ring: { state: 'malformed', why } };
}

function wantedIn(stack: AuthStack, secrets: ReadonlyMap<string, Secret | undefined>): WantedWrapping {
  const { encryption } = stack.spec.signingKeys;
  if (!encryption) return { state: 'none' };
  const { name, key: entry } = encryption.secretRef;
  const secret = secrets.get(name);
  const key = wrappingKeyIn(secret, entry);
  if (!key) return { state: 'missing', what: secret ? 'entry' : 'secret' };
  return 'why' in key ? { state: 'refused', why: key.why } : { state: 'usable', secretName: name, keyId: key.id };
}

type Find = (id: string) => WrappingKey | undefined;

/** For what performs an action: the keys themselves, as they are now. */
export async function findWrappingKeys(
  names: readonly string[],
  { cluster, stack }: { readonly cluster: Pick<Cluster, 'read'>; readonly stack: ObjectRef },
  pass: Pass,
): Promise<Find> {
  const secrets = await readSecrets(names, { cluster, namespace: stack.namespace }, pass);
  return finderOf([...secrets.values()].flatMap(wrappingKeysIn));
}

function finderOf(keys: readonly WrappingKey[]): Find {
  return (wanted) => keys.find(({ id }) => id === wanted);
}

async function readSecrets(
  names: readonly string[],
  { cluster, namespace }: { readonly cluster: Pick<Cluster, 'read'>; readonly namespace: string | undefined },
  pass: Pass,
): Promise<ReadonlyMap<string, Secret | undefined>> {
  const read = async (name: string): Promise<readonly [string, Secret | undefined]> => [
    name,
    await cluster.read(secretKind, { ...(namespace !== undefined && { namespace }), name }, pass),
  ];
  return new Map(await Promise.all(names.map(read)));
}
