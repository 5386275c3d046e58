import type { Millis } from '../runtime/objects.ts';
import type { Kid, Lifetimes, RevokedKey } from '../stored/jwks.ts';
import type { ActiveKey, NextKey, RetiringKey } from '../stored/key-ring.ts';
import type { Copy, KeyPolicy } from './types.ts';

/** What every deadline derives from: the spec, and what was issued under an earlier one. */
export interface Horizon {
  readonly policy: KeyPolicy;
  readonly lifetimes: Lifetimes;
}

type Propagation = Pick<KeyPolicy, 'volumeRefresh' | 'jwksMaxAge' | 'clockSkew'>;

/** Whoever cannot be told fetches the key sets without it by then; an auth pod may answer with the old one until its mount is fresh. */
export function revokedKey(
  kid: Kid,
  revokedAt: Millis,
  { policy, lifetimes }: { readonly policy: Propagation; readonly lifetimes: Lifetimes },
): RevokedKey {
  const { volumeRefresh, jwksMaxAge, clockSkew } = policy;
  const mountsUntil = revokedAt + volumeRefresh + clockSkew;
  const cachesUntil = Math.max(revokedAt + volumeRefresh + jwksMaxAge, lifetimes.longerCachesEndAt) + clockSkew;
  return { kid, revokedAt, mountsUntil, cachesUntil };
}

/** When the lead of the next key is over: every verifier that polls or mounts has had the time to fetch it. */
export function leadEndsAt({ publishedAt }: Pick<NextKey, 'publishedAt'>, { policy, lifetimes }: Horizon): Millis {
  const { jwksMaxAge, volumeRefresh, clockSkew } = policy;
  return Math.max(publishedAt + volumeRefresh + jwksMaxAge, lifetimes.longerCachesEndAt) + clockSkew;
}

/** From when on the next key may sign; undefined while some copy is not known to hold it. */
export function mayActivateAt(
  next: NextKey,
  horizon: Horizon & { readonly copies: readonly Copy[]; readonly now: Millis },
): Millis | undefined {
  if (next.distributedAt === undefined) return undefined;
  const { volumeRefresh, clockSkew } = horizon.policy;
  // A copy that was written late, or created again, reaches its pods late, whenever the key was published.
  // The API server's clock says when; one that is further ahead than clocks may differ must not stop the rotation.
  const created = horizon.copies.map(({ createdAt }) => createdAt).filter((at) => at <= horizon.now + clockSkew);
  const writtenAt = Math.max(next.distributedAt, ...created);
  return Math.max(leadEndsAt(next, horizon), writtenAt + volumeRefresh + clockSkew);
}

/** How long a service that loses its auth pod takes at most to connect to another and to say which keys it has. */
export const RECONNECTED: Millis = 30_000;

/** What holds since then, by the clock that noted it, has held for RECONNECTED by any other. */
export function countsFrom(acknowledgedAt: Millis, { policy }: Pick<Horizon, 'policy'>): Millis {
  return acknowledgedAt + RECONNECTED + policy.clockSkew;
}

/** So long before the promotion that it is not late for their sake; undefined while the time of the promotion is not known. */
export function verifiersCountFrom(
  { active, next }: { readonly active: ActiveKey; readonly next: NextKey },
  horizon: Parameters<typeof mayActivateAt>[1],
): Millis | undefined {
  const at = mayActivateAt(next, horizon);
  return at === undefined ? undefined : Math.max(at, isDueAt(active, horizon)) - countsFrom(0, horizon);
}

/** An active key of another algorithm than the spec's is due at once. */
export function isDueAt({ algorithm, activatedAt }: ActiveKey, { policy }: Horizon): Millis {
  return algorithm === policy.algorithm ? activatedAt + policy.rotationInterval : activatedAt;
}

/** By then kubelets should have refreshed the mount of every auth pod, also of one that has started since. */
export function mountsAreFreshAt({ retiredAt }: RetiringKey, { policy }: Horizon): Millis {
  return retiredAt + policy.volumeRefresh;
}

/** What was signed last lives its whole life; undefined while an auth pod may still sign with it. */
export function mayForgetAt(key: RetiringKey, horizon: Horizon): Millis | undefined {
  return key.signersGoneAt === undefined ? undefined : forgetsAt(key, horizon);
}

/** As far as it is known: later, where an auth pod signs with it longer than it should. */
export function forgetsAt(key: RetiringKey, horizon: Horizon): Millis {
  const { policy, lifetimes } = horizon;
  const { accessTokenTtl, clockSkew } = policy;
  const signedUntil = Math.max(mountsAreFreshAt(key, horizon), key.signersGoneAt ?? 0);
  return Math.max(signedUntil + accessTokenTtl, lifetimes.longerTokensEndAt) + clockSkew;
}
