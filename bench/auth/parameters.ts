import { isQuick } from '../report.ts';

/** What is measured: everything, or in QUICK=1 enough to see whether something got worse. */
export interface Parameters {
  readonly accounts: number;
  /** The two sides take turns; the median of their rounds counts. */
  readonly rounds: number;
  readonly secondsPerRound: number;
  readonly connections: number;
  /** Refusals of each kind. */
  readonly refusalRounds: number;
  readonly floodSeconds: number;
  /** Of the rate of sign-ins that was measured before. */
  readonly floodFactor: number;
  /** Networks that the flood comes from. */
  readonly floodPrefixes: number;
}

const full: Parameters = {
  accounts: 64,
  rounds: 7,
  secondsPerRound: 8,
  connections: 8,
  refusalRounds: 200,
  floodSeconds: 30,
  floodFactor: 4,
  floodPrefixes: 16,
};

const quick: Parameters = { ...full, accounts: 16, rounds: 3, secondsPerRound: 3, refusalRounds: 40, floodSeconds: 10 };

export const parameters: Parameters = isQuick ? quick : full;
