import { median } from '../report.ts';

/** CPU time of this process until now, in microseconds; what other processes do on the machine is not in it. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Does its work this often. */
export type Candidate = (calls: number) => void | Promise<void>;

/** Microseconds of CPU for each call, by candidate and round. */
export type Measured<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/** Until the compiler has seen every candidate often enough. */
const WARM_UP_ROUNDS = 10;

/** Each candidate takes a turn in each round, in another order every second time, so that none has the quieter minutes. */
export async function interleaved<Name extends string>(
  candidates: Readonly<Record<Name, Candidate>>,
  { rounds, calls }: { readonly rounds: number; readonly calls: number },
): Promise<Measured<Name>> {
  const names = Object.keys(candidates) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const before = cpuMicros();
      await candidates[name](calls);
      if (round >= 0) measured[name].push((cpuMicros() - before) / calls);
    }
  }
  return measured;
}

/** The median of how much less CPU the second takes, round by round. */
export function ratio(first: readonly number[], second: readonly number[]): number {
  return median(first.map((micros, round) => micros / (second[round] ?? NaN)));
}

/** A rate of one core, and the CPU time for each beside it. */
export function rateOf(values: readonly number[]): string {
  const micros = median(values);
  const perSecond = 1e6 / micros;
  const rate = perSecond >= 1e6 ? `${(perSecond / 1e6).toFixed(2)} M/s` : `${(perSecond / 1e3).toFixed(1)} k/s`;
  return `${rate} (${(micros / 1_000).toPrecision(3)} CPU-ms)`;
}
