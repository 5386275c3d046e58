import { keyedHash } from '../secrets/secrets.ts';
import type { SecretKey } from '../secrets/secrets.ts';
import type { ThrottleKey } from './throttle-store.ts';

/**
 * What a counter is stored and logged under. Without the stack's key nobody can tell whose it is, or try addresses out. The label
 * keeps it apart from everything else that is derived from that key.
 */
export function throttleKey(key: SecretKey, ...parts: readonly string[]): ThrottleKey {
  return keyedHash(key)
    .update(JSON.stringify(['authstack throttle', ...parts]))
    .digest('base64url') as ThrottleKey;
}
