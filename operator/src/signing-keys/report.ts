import { rfc3339 } from '../runtime/conditions.ts';
import type { Kid } from '../stored/jwks.ts';
import { forgetsAt, isDueAt, leadEndsAt } from './horizons.ts';
import { reachOf } from './reach.ts';
import type { Reach } from './reach.ts';
import type { Ring } from './ring.ts';

export interface KeysStatus {
  /** Undefined without a ring that can be read: what was known of it is no longer known. */
  readonly signingKeys: SigningKeysStatus | undefined;
}

export interface SigningKeysStatus {
  readonly activeKid: Kid | undefined;
  readonly nextKid: Kid | undefined;
  readonly keys: readonly KeyStatus[];
  readonly revoked: readonly RevokedStatus[] | undefined;
  readonly wrappingKeyId: string | undefined;
  readonly lastRotationTime: string | undefined;
  readonly nextRotationTime: string | undefined;
}

interface KeyStatus {
  readonly kid: Kid;
  readonly state: 'Published' | 'Active' | 'Retiring';
  readonly since: string;
  readonly until?: string;
}

interface RevokedStatus extends Reach {
  readonly kid: Kid;
  readonly revokedTime: string;
  readonly mountsUntil: string;
  readonly cachesUntil: string;
}

/** The ring remembers more than a reader of the status wants to see. */
const MOST_SHOWN = 8;

/** `status.signingKeys` of the AuthStack. */
export function keysStatus(ring: Ring): KeysStatus {
  const { active, next, retiring, wrapping } = ring;
  const rotatesAt = active && Math.max(isDueAt(active, ring), next ? leadEndsAt(next, ring) : 0);
  return {
    signingKeys: {
      activeKid: active?.kid,
      nextKid: next?.kid,
      keys: [
        ...(active ? [{ kid: active.kid, state: 'Active', since: rfc3339(active.activatedAt) } as const] : []),
        ...(next ? [{ kid: next.kid, state: 'Published', since: rfc3339(next.publishedAt) } as const] : []),
        ...retiring.map((key) => ({
          kid: key.kid,
          state: 'Retiring' as const,
          since: rfc3339(key.retiredAt),
          until: rfc3339(forgetsAt(key, ring)),
        })),
      ],
      revoked: revokedStatus(ring),
      wrappingKeyId: wrapping?.keyId,
      lastRotationTime: active && rfc3339(active.activatedAt),
      nextRotationTime: rotatesAt === undefined ? undefined : rfc3339(rotatesAt),
    },
  };
}

function revokedStatus(ring: Ring): SigningKeysStatus['revoked'] {
  if (ring.revoked.length === 0) return undefined;
  return ring.revoked.slice(-MOST_SHOWN).map((key) => ({
    kid: key.kid,
    revokedTime: rfc3339(key.revokedAt),
    mountsUntil: rfc3339(key.mountsUntil),
    cachesUntil: rfc3339(key.cachesUntil),
    ...reachOf(key, ring),
  }));
}
