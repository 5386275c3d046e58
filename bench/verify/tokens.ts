import { systemClock } from '../../packages/verify/src/clock.ts';
import { claimsAt, signingKey, tokenOf } from '../../packages/verify/src/testing/issuer.ts';
import type { SigningKey } from '../../packages/verify/src/testing/issuer.ts';

export const key: SigningKey = signingKey('k1');

/** Distinct tokens of distinct users, as long as those of the auth service. */
export function tokensOf(count: number): readonly string[] {
  return Array.from({ length: count }, () =>
    tokenOf(key, {
      ...claimsAt(systemClock),
      sub: crypto.randomUUID(),
      sid: crypto.randomUUID(),
      jti: crypto.randomUUID(),
    }),
  );
}

/** Asks for all of them in turn, again and again; starts where the last turn ended. */
export function inTurn(tokens: readonly string[]): () => string {
  let next = 0;
  return () => {
    const token = tokens[next] ?? '';
    next = (next + 1) % tokens.length;
    return token;
  };
}

/** The n-th is asked for about 1/n times as often as the first; the same sequence in each run. */
export function byZipf(tokens: readonly string[]): () => string {
  const sums: number[] = [];
  for (let rank = 1, sum = 0; rank <= tokens.length; rank += 1) sums.push((sum += 1 / rank));
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return tokens[firstAbove(sums, (state / 2 ** 32) * (sums.at(-1) ?? 0))] ?? '';
  };
}

function firstAbove(sums: readonly number[], value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((sums[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
