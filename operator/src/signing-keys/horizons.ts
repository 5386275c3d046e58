import type { ActiveKey, KeyPolicy, NextKey, RetiringKey } from './types.ts';
import type { Millis } from '../runtime/objects.ts';

/** How long after its publication a key may still be unknown to a reader that polls or mounts. */
export function leadOf({ jwksMaxAge, volumeRefresh, clockSkew }: KeyPolicy): Millis {
  return jwksMaxAge + volumeRefresh + clockSkew;
}

/** From when on the next key may sign; undefined while a copy is not known to hold it. */
export function mayActivateAt({ publishedAt, distributedAt }: NextKey, policy: KeyPolicy): Millis | undefined {
  if (distributedAt === undefined) return undefined;
  // A copy that was written late reaches its pods late, whenever the key was published.
  return Math.max(publishedAt + leadOf(policy), distributedAt + policy.volumeRefresh + policy.clockSkew);
}

export function isDueAt({ activatedAt }: ActiveKey, { rotationInterval }: KeyPolicy): Millis {
  return activatedAt + rotationInterval;
}

/** Auth pods may sign with a retired key until their mount is fresh, and what they sign then lives its whole life. */
export function mayForgetAt({ retiredAt, longestTtl }: RetiringKey, { volumeRefresh, clockSkew }: KeyPolicy): Millis {
  return retiredAt + volumeRefresh + longestTtl + clockSkew;
}
