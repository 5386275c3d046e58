import { readWrappingKey } from '@authstack/auth-service/wrapped-key';
import type { WrappingKey } from '@authstack/auth-service/wrapped-key';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Wrapping } from './key-ring.ts';

/*
 * Secrets of the stack's owner, with the keys that the private halves in the key ring are wrapped with. The operator reads them and
 * never writes one.
 */

/** Those that can matter: the spec's, and the one that the ring is still wrapped by. */
export function wrappingSecretsOf({ spec }: AuthStack, wrapping: Wrapping | undefined): readonly string[] {
  const names = [spec.signingKeys.encryption?.secretRef.name, wrapping?.secretName];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** Every entry that is one, whatever it is called: the former key may be beside the next one. */
export function wrappingKeysIn(secret: Secret | undefined): readonly WrappingKey[] {
  const entries = Object.keys(secret?.data ?? {}).map((entry) => wrappingKeyIn(secret, entry));
  return entries.flatMap((key) => (key && !('why' in key) ? [key] : []));
}

/** Undefined: there is no such entry. */
export function wrappingKeyIn(
  secret: Secret | undefined,
  entry: string,
): ReturnType<typeof readWrappingKey> | undefined {
  // Any name may be asked for, `constructor` too.
  const value = Object.hasOwn(secret?.data ?? {}, entry) ? secret?.data?.[entry] : undefined;
  return value === undefined || value === '' ? undefined : readWrappingKey(Buffer.from(value, 'base64'));
}
