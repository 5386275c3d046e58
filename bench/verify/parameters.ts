import { isQuick } from '../report.ts';

/** What is measured: everything, or in QUICK=1 enough to see whether something got worse. */
export interface Parameters {
  /** How often each candidate takes its turn. */
  readonly rounds: number;
  /** Verifications without a cache in a turn. */
  readonly coldCalls: number;
  /** Verifications of cached tokens in a turn. */
  readonly cachedCalls: number;
  /** How many distinct tokens are cached, one size after the other. */
  readonly cachedTokens: readonly number[];
  /** Distinct tokens and how many of them are asked for, with the default cache of 10,000. */
  readonly loadTokens: number;
  readonly loadCalls: number;
  /** Pairs of a bare and a guarded route, and requests to each of them. */
  readonly routePairs: number;
  readonly routeRequests: number;
}

const full: Parameters = {
  rounds: 21,
  coldCalls: 500,
  cachedCalls: 100_000,
  cachedTokens: [100, 50_000],
  loadTokens: 50_000,
  loadCalls: 150_000,
  routePairs: 31,
  routeRequests: 2_000,
};

const quick: Parameters = {
  rounds: 7,
  coldCalls: 200,
  cachedCalls: 50_000,
  cachedTokens: [100, 5_000],
  loadTokens: 12_000,
  loadCalls: 36_000,
  routePairs: 7,
  routeRequests: 1_000,
};

export const parameters: Parameters = isQuick ? quick : full;
