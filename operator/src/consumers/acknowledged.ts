import { durationMillis } from '../api/duration.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Verifier } from '../auth-pods/verifiers.ts';
import { listed } from '../runtime/listed.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Kid } from '../stored/jwks.ts';
import type { ConsumerObservation } from './types.ts';

/** What every connected instance of the service has in its memory; undefined: none is connected. */
export function acknowledgedKids(verifiers: readonly Verifier[]): readonly Kid[] | undefined {
  const [first, ...others] = verifiers;
  return first?.kids.filter((kid) => others.every(({ kids }) => kids.includes(kid))).toSorted();
}

export interface Lag {
  /** Said beside what is in order; empty: every connected instance has each key of the Secret, or still has the time. */
  readonly words: string;
  /** When it is to be said, if nothing changes until then. */
  readonly recheckAt?: Millis;
}

/** The Secret holds what an instance that mounts it has not loaded, although its mount has had the time. */
export function lagOf(
  { consumer, now, verifiers }: ConsumerObservation,
  stack: AuthStack,
  kids: ReadonlySet<Kid>,
): Lag {
  const behind = verifiers.filter((verifier) => [...kids].some((kid) => !verifier.kids.includes(kid)));
  const [first] = behind.toSorted((a, b) => a.name.localeCompare(b.name));
  const syncedAt = Date.parse(consumer.status?.lastSyncTime ?? '');
  if (!first || Number.isNaN(syncedAt)) return { words: '' };
  const { volumeRefresh, clockSkew } = stack.spec.signingKeys.propagation;
  const lateFrom = syncedAt + durationMillis(volumeRefresh) + durationMillis(clockSkew);
  if (now < lateFrom) return { words: '', recheckAt: lateFrom };
  const lacks = listed([...kids].filter((kid) => !first.kids.includes(kid)));
  const who = behind.length > 1 ? `${first.name} and ${behind.length - 1} more have` : `${first.name} has`;
  const { namespace = '' } = consumer.metadata;
  return {
    words:
      `. ${who} not loaded ${lacks}. Mount the Secret as a whole directory, without subPath; see what mounts it: ` +
      `kubectl -n ${namespace} get pod ${first.name} -o jsonpath={.spec.containers[*].volumeMounts}`,
  };
}
