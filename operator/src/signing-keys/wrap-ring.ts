import { KeyNotUnwrapped, unwrapKey, wrapKey, wrappingKeyIdOf } from '@authstack/auth-service/wrapped-key';
import type { WrappingKey } from '@authstack/auth-service/wrapped-key';
import type { StoredKey, StoredRing, Wrapping } from '../stored/key-ring.ts';

type FindKey = (id: string) => WrappingKey | undefined;

/**
 * Every private half as `wrapping` of the ring says. One that is so already stays as it is: wrapped once more it would be another
 * text, and nothing gained.
 *
 * @throws KeyNotUnwrapped where a wrapping key that this needs is not there
 */
export async function wrapRing(ring: StoredRing, find: FindKey): Promise<StoredRing> {
  const { wrapping } = ring;
  return { ...ring, keys: await Promise.all(ring.keys.map((key) => storedAs(key, wrapping, find))) };
}

export function needsWrapping({ keys, wrapping }: StoredRing): boolean {
  return keys.some((key) => !isStoredAs(key, wrapping));
}

/** A plain half where the ring is to be plain, else one that is wrapped with its wrapping key. */
export function isStoredAs(key: StoredKey, wrapping: Wrapping | undefined): boolean {
  if (key.phase === 'retiring') return true;
  const { privateJwk } = key;
  return typeof privateJwk === 'string' ? wrappingKeyIdOf(privateJwk) === wrapping?.keyId : wrapping === undefined;
}

async function storedAs(key: StoredKey, wrapping: Wrapping | undefined, find: FindKey): Promise<StoredKey> {
  if (key.phase === 'retiring' || isStoredAs(key, wrapping)) return key;
  const { kid, privateJwk } = key;
  const plain = typeof privateJwk === 'string' ? await unwrapKey(privateJwk, kid, find) : privateJwk;
  if (!wrapping) return { ...key, privateJwk: plain };
  const by = find(wrapping.keyId);
  if (!by) {
    const message = `key ${kid} is to be wrapped with the key of id ${wrapping.keyId}, which is not there`;
    throw new KeyNotUnwrapped('absent', message);
  }
  return { ...key, privateJwk: await wrapKey(plain, kid, by) };
}

/** Why a private half is not what was wrapped; undefined: none is known to be. */
export async function damageOf({ keys }: StoredRing, find: FindKey): Promise<string | undefined> {
  for (const key of keys) {
    if (key.phase === 'retiring' || typeof key.privateJwk !== 'string') continue;
    try {
      await unwrapKey(key.privateJwk, key.kid, find);
    } catch (error) {
      if (!(error instanceof KeyNotUnwrapped)) throw error;
      if (error.code === 'damaged') return error.message;
    }
  }
  return undefined;
}
