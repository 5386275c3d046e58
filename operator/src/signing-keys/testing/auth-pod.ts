import type { Millis } from '../../runtime/objects.ts';
import type { Kid } from '../../stored/jwks.ts';
import type { StoredKey, StoredRing } from '../../stored/key-ring.ts';
import type { KeyHolder } from '../types.ts';
import { wrappedBy } from './custody.ts';
import type { Heard } from './verifiers.ts';

/** A pod of the auth service: it has in its memory what its mount showed last. */
export interface AuthPod {
  readonly startedAt: Millis;
  /** Undefined: it has loaded no ring yet. */
  ring: StoredRing | undefined;
  /** What its mount shows: it may lack the key that would unwrap it. */
  shown: StoredRing | undefined;
  /** Wrapping keys that it mounts, as far as that can change. */
  mounted: ReadonlySet<string>;
  /** What its mount is about to show, and when. */
  readonly coming: { readonly ring: StoredRing; readonly at: Millis }[];
  /** Its mount changes no more. */
  isStuck: boolean;
  /** It cannot be asked. */
  isSilent: boolean;
  /** What it was told of, for as long as it runs. */
  readonly revoked: Set<Kid>;
  /** What each service told it last, by instance. */
  readonly heard: Map<string, Heard>;
}

/** With what it mounts, or because it has that key in memory. */
export function canUnwrap(pod: AuthPod, ring: StoredRing): boolean {
  const known = pod.ring?.keys.filter(({ phase }) => phase !== 'retiring').map(({ kid }) => kid) ?? [];
  return ring.keys.every((key) => isReadableBy(pod, key) || known.includes(key.kid));
}

export function isReadableBy({ mounted }: AuthPod, key: StoredKey): boolean {
  const id = wrappedBy(key);
  return id === undefined || mounted.has(id);
}

export function activeKidOf(ring: StoredRing | undefined): Kid | undefined {
  return ring?.keys.find(({ phase }) => phase === 'active')?.kid;
}

export function holderOf(
  name: string,
  { startedAt }: AuthPod,
  told: Pick<KeyHolder, 'report' | 'verifiers'>,
): KeyHolder {
  return { name, ip: '10.0.0.1', isTerminating: false, startedAt, ...told };
}

export function reportOf(name: string, { ring, mounted, isSilent, revoked }: AuthPod): KeyHolder['report'] {
  if (isSilent) return 'unknown';
  const signingKid = activeKidOf(ring);
  return {
    pod: name,
    kids: ring?.keys.map(({ kid }) => kid) ?? [],
    ...(signingKid !== undefined && { signingKid }),
    ...{ lastSignedAt: {}, secretVersion: ring?.version ?? 0, floor: 0, revokedKids: [...revoked] },
    wrappingKeys: [...mounted],
  };
}
