import type { VerifiersReport } from '@authstack/auth-service/api';
import type { Millis } from '../runtime/objects.ts';

/** A service that verifies tokens, as it has told an auth pod which keys it has in its memory. */
export type Verifier = VerifiersReport['verifiers'][number] & {
  /** What it said last is that it ends. */
  readonly hasLeft?: true;
};

/** Several acknowledgements long: whoever was heard of within that time is connected. */
export const PRESENT: Millis = 15_000;

/** All that a pod was told of, goodbyes too. */
export function toldTo({ verifiers, left }: VerifiersReport): readonly Verifier[] {
  const goodbyes = left.map(({ leftMillisAgo, ...verifier }) => ({
    ...{ ...verifier, name: '', kids: [], heardMillisAgo: leftMillisAgo },
    hasLeft: true as const,
  }));
  return [...verifiers, ...goodbyes];
}

/**
 * One that moved to another pod is known to both: what it told last counts. Where that is a goodbye, to whichever pod, it is none
 * any more; one that is heard after it is there all the same.
 */
export function latestOf(verifiers: readonly Verifier[]): readonly Verifier[] {
  const latest = new Map<string, Verifier>();
  for (const verifier of verifiers) {
    const key = `${verifier.client} ${verifier.instance}`;
    const before = latest.get(key);
    if (!before || isLater(verifier, before)) latest.set(key, verifier);
  }
  return [...latest.values()].filter(({ hasLeft }) => hasLeft !== true);
}

/** In doubt it is there. */
function isLater(verifier: Verifier, before: Verifier): boolean {
  if (verifier.heardMillisAgo === before.heardMillisAgo) return before.hasLeft === true;
  return verifier.heardMillisAgo < before.heardMillisAgo;
}
