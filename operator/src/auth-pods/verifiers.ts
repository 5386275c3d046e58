import type { VerifiersReport } from '@authstack/auth-service/api';
import type { Millis } from '../runtime/objects.ts';

/** A service that verifies tokens, as it has told an auth pod which keys it has in its memory. */
export type Verifier = VerifiersReport['verifiers'][number];

/** Several acknowledgements long: whoever was heard of within that time is connected. */
export const PRESENT: Millis = 15_000;

/** One that moved to another pod is known to both: what it told last counts. */
export function latestOf(verifiers: readonly Verifier[]): readonly Verifier[] {
  const latest = new Map<string, Verifier>();
  for (const verifier of verifiers) {
    const key = `${verifier.client} ${verifier.instance}`;
    const before = latest.get(key);
    if (!before || verifier.heardMillisAgo < before.heardMillisAgo) latest.set(key, verifier);
  }
  return [...latest.values()];
}
