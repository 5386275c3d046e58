import { rfc3339 } from '../runtime/conditions.ts';
import { isDueAt, leadEndsAt, mayForgetAt } from './horizons.ts';
import type { Ring } from './seen-ring.ts';
import type { Kid } from './types.ts';

export interface KeysStatus {
  readonly signingKeys?: {
    readonly activeKid?: Kid;
    readonly nextKid?: Kid;
    readonly keys: readonly {
      readonly kid: Kid;
      readonly state: 'Published' | 'Active' | 'Retiring';
      readonly since: string;
      readonly until?: string;
    }[];
    readonly lastRotationTime?: string;
    readonly nextRotationTime?: string;
  };
}

/** `status.signingKeys` of the AuthStack. */
export function keysStatus(ring: Ring): KeysStatus {
  const { active, next, retiring } = ring;
  const rotatesAt = active && Math.max(isDueAt(active, ring), next ? leadEndsAt(next, ring) : 0);
  return {
    signingKeys: {
      ...(active && { activeKid: active.kid }),
      ...(next && { nextKid: next.kid }),
      keys: [
        ...(active ? [{ kid: active.kid, state: 'Active', since: rfc3339(active.activatedAt) } as const] : []),
        ...(next ? [{ kid: next.kid, state: 'Published', since: rfc3339(next.publishedAt) } as const] : []),
        ...retiring.map((key) => ({
          kid: key.kid,
          state: 'Retiring' as const,
          since: rfc3339(key.retiredAt),
          until: rfc3339(mayForgetAt(key, ring)),
        })),
      ],
      ...(active && { lastRotationTime: rfc3339(active.activatedAt) }),
      ...(rotatesAt !== undefined && { nextRotationTime: rfc3339(rotatesAt) }),
    },
  };
}
