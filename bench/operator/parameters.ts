import { isQuick } from '../report.ts';

/** What is measured: everything, or in QUICK=1 enough to see whether something got worse. */
export interface Parameters {
  readonly foreignSecrets: number;
  /** How many stacks there are, one size after the other. */
  readonly stacks: readonly number[];
  /** Namespaces with an AuthConsumer of one stack, one size after the other. */
  readonly consumers: readonly number[];
  /** Changes of AuthStacks whose effect is timed, at each size. */
  readonly changes: number;
  readonly idleSeconds: number;
  readonly starts: number;
}

const full: Parameters = {
  foreignSecrets: 30_000,
  stacks: [100, 200, 1_000],
  consumers: [10, 500],
  changes: 200,
  idleSeconds: 30,
  starts: 5,
};

const quick: Parameters = {
  foreignSecrets: 3_000,
  stacks: [20, 50],
  consumers: [10, 50],
  changes: 50,
  idleSeconds: 10,
  starts: 3,
};

export const parameters: Parameters = isQuick ? quick : full;
