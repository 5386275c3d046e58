import type { Millis } from '../../runtime/objects.ts';
import type { Generations } from '../../stored/clients.ts';
import type { ClientsPolicy } from './types.ts';

/*
 * Client secrets rotate as signing keys do: what consumers use next is accepted long before they use it.
 *
 *   accepted:     next ──────────────► current ────────────────► ends ──────────────► refused
 *                  rotationInterval     rotationInterval          volumeRefresh + clockSkew
 *   in copies:                         current                    (counted from when the copy was seen without it)
 *
 * Generations and document are in one Secret, so one write moves both, and a crash leaves nothing half done.
 */

export interface RotationContext {
  readonly now: Millis;
  readonly policy: ClientsPolicy;
  /** When the key that secrets derive from was made: until then nobody knew of the next ones. */
  readonly keyMadeAt: Millis;
  /** Nothing is rotated while the stack is suspended, or has no client with a secret. */
  readonly rotates: boolean;
}

/** The generations in force now. */
export function generationsAt(stored: Generations | undefined, { now, ...context }: RotationContext): Generations {
  if (!stored) return { current: now, next: now + 1, since: now, changedAt: now };
  const isDue = now >= rotationDueAt(stored, context);
  if (!context.rotates || !isDue) return stored;
  return { current: stored.next, next: Math.max(stored.next + 1, now), since: now, changedAt: now };
}

export function rotationDueAt(
  { since }: Generations,
  { policy, keyMadeAt }: Pick<RotationContext, 'policy' | 'keyMadeAt'>,
): Millis {
  const { rotationInterval, volumeRefresh, clockSkew } = policy;
  // The CRD keeps the interval above the rest; a spec of another schema may not.
  return Math.max(since, keyMadeAt) + Math.max(rotationInterval, volumeRefresh + clockSkew);
}
