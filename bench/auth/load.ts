import { median } from '../report.ts';
import { cpuMillis, threadsCpuMillis } from './cpu.ts';
import { parameters } from './parameters.ts';

export interface Rate {
  readonly perSecond: number;
  /** CPU per operation, in milliseconds. */
  readonly serverCpu: number;
  /** What of it the threads used that only hash; 0 where the server has none. */
  readonly hashingCpu: number;
  readonly mongodCpu: number;
}

/** As services/auth names them. */
const HASHING_THREADS = 'password-hash';

export interface Measured {
  readonly server: { readonly pid: number };
  readonly mongod: { readonly pid: number };
}

/** As many operations as the connections get done one after the other; `one` is told its connection and its turn. */
export async function rateOf(
  { server, mongod }: Measured,
  one: (connection: number, turn: number) => Promise<unknown>,
): Promise<Rate> {
  const cpu = (): Promise<[number, number, number]> =>
    Promise.all([cpuMillis(server.pid), threadsCpuMillis(server.pid, HASHING_THREADS), cpuMillis(mongod.pid)]);
  const { connections, secondsPerRound } = parameters;
  const [serverBefore, hashingBefore, mongodBefore] = await cpu();
  const begun = performance.now();
  const end = begun + secondsPerRound * 1_000;
  let done = 0;
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (let turn = 0; performance.now() < end; turn += 1) {
        await one(connection, turn);
        done += 1;
      }
    }),
  );
  const seconds = (performance.now() - begun) / 1_000;
  const [serverAfter, hashingAfter, mongodAfter] = await cpu();
  return {
    perSecond: done / seconds,
    serverCpu: (serverAfter - serverBefore) / done,
    hashingCpu: (hashingAfter - hashingBefore) / done,
    mongodCpu: (mongodAfter - mongodBefore) / done,
  };
}

/** Begins that many a second, whether or not the ones before have ended; resolves when all have. */
export async function atRate<T>(perSecond: number, seconds: number, one: (turn: number) => Promise<T>): Promise<T[]> {
  const begun = performance.now();
  const all: Promise<T>[] = [];
  for (;;) {
    const elapsed = (performance.now() - begun) / 1_000;
    if (elapsed >= seconds) return Promise.all(all);
    while (all.length < elapsed * perSecond) all.push(one(all.length));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Each figure by itself: the rounds are not in any order. */
export function medianRate(rates: readonly Rate[]): Rate {
  return {
    perSecond: median(rates.map(({ perSecond }) => perSecond)),
    serverCpu: median(rates.map(({ serverCpu }) => serverCpu)),
    hashingCpu: median(rates.map(({ hashingCpu }) => hashingCpu)),
    mongodCpu: median(rates.map(({ mongodCpu }) => mongodCpu)),
  };
}
