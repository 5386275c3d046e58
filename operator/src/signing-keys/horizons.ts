import type { Millis } from '../runtime/objects.ts';
import type { ActiveKey, KeyPolicy, Lifetimes, NextKey, RetiringKey } from './types.ts';

/** What every deadline derives from: the spec, and what was handed out before it said so. */
export interface Horizon {
  readonly policy: KeyPolicy;
  readonly lifetimes: Lifetimes;
}

/** When the lead of the next key is over: every reader that polls or mounts has had the time to know it. */
export function leadEndsAt({ publishedAt }: NextKey, { policy, lifetimes }: Horizon): Millis {
  const { jwksMaxAge, volumeRefresh, clockSkew } = policy;
  return Math.max(publishedAt + volumeRefresh + jwksMaxAge, lifetimes.longerCachesEndAt) + clockSkew;
}

/** From when on the next key may sign; undefined while some copy is not known to hold it. */
export function mayActivateAt(next: NextKey, horizon: Horizon): Millis | undefined {
  if (next.distributedAt === undefined) return undefined;
  const { volumeRefresh, clockSkew } = horizon.policy;
  // A copy that was written late reaches its pods late, whenever the key was published.
  return Math.max(leadEndsAt(next, horizon), next.distributedAt + volumeRefresh + clockSkew);
}

/** A key of another algorithm than the spec asks for has had its time. */
export function isDueAt({ algorithm, activatedAt }: ActiveKey, { policy }: Horizon): Millis {
  return algorithm === policy.algorithm ? activatedAt + policy.rotationInterval : activatedAt;
}

/** Auth pods may sign with a retired key until their mount is fresh, and what they sign then lives its whole life. */
export function mayForgetAt({ retiredAt }: RetiringKey, { policy, lifetimes }: Horizon): Millis {
  const { volumeRefresh, accessTokenTtl, clockSkew } = policy;
  return Math.max(retiredAt + volumeRefresh + accessTokenTtl, lifetimes.longerTokensEndAt) + clockSkew;
}
