import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installGateway } from '../test/e2e/world/gateway.ts';
import { Oracle } from '../test/e2e/world/oracle.ts';
import type { Acknowledged } from '../test/e2e/world/oracle.ts';
import { World } from '../test/e2e/world/world.ts';
import type { Stack } from '../test/e2e/world/stack.ts';
import { circumstances } from './circumstances.ts';
import { latencyPlot } from './failover/plot.ts';
import { quantile, seconds, table } from './operator/report.ts';
import type { Row } from './operator/report.ts';

/** `make bench-failover`: how long nobody can write after a primary was killed, and how often one falls without cause. */
const isQuick = process.env['QUICK'] !== undefined;
const parameters = { kills: isQuick ? 3 : 20, quietMinutes: isQuick ? 1 : 15, electionTimeoutMillis: 4_000 };
const results = join(import.meta.dirname, 'results');

interface Kill {
  readonly at: number;
  /** Longest time without an acknowledged write from the kill on. */
  readonly gap: number;
  /** Until every member served again. */
  readonly wholeAfter: number;
}

async function main(): Promise<void> {
  const world = new World();
  try {
    await installGateway();
    const stack = await world.createStack({ members: 3, replicas: 1 });
    await isWhole(stack);
    await using oracle = await Oracle.watch(stack);
    const falseElections = await countFalseElections(stack);
    const kills: Kill[] = [];
    for (let turn = 0; turn < parameters.kills; turn++) kills.push(await killPrimary(stack, oracle));
    const history = oracle.history;
    const verdict = await oracle.end();
    await report({ kills, falseElections, history, lost: verdict.lost.length, acknowledged: verdict.acknowledged });
  } finally {
    await world.clear();
  }
}

function isWhole(stack: Stack): Promise<unknown> {
  return stack.becomes('DatabaseReady=True/AllMembersHealthy', { within: 120 });
}

async function killPrimary(stack: Stack, oracle: Oracle): Promise<Kill> {
  const at = performance.now();
  await stack.loseMembers([await stack.primary()]);
  await isWhole(stack);
  const wholeAfter = performance.now() - at;
  const after = oracle.history.filter((one) => one.at >= at).map((one) => one.at);
  const gap = Math.max(...after.map((time, index) => time - (after[index - 1] ?? at)));
  console.log(`killed: no write for ${seconds(gap)}, whole after ${seconds(wholeAfter)}`);
  return { at, gap, wholeAfter };
}

/** Elections while nothing happens but load. */
async function countFalseElections(stack: Stack): Promise<number> {
  const before = await termOf(stack);
  await new Promise((resolve) => setTimeout(resolve, parameters.quietMinutes * 60_000));
  return (await termOf(stack)) - before;
}

function termOf(stack: Stack): Promise<number> {
  return stack.askMember(0, async (client) =>
    Number((await client.db('admin').command({ replSetGetStatus: 1 }))['term']),
  );
}

interface Measured {
  readonly kills: readonly Kill[];
  readonly falseElections: number;
  readonly history: readonly Acknowledged[];
  readonly lost: number;
  readonly acknowledged: number;
}

async function report({ kills, falseElections, history, lost, acknowledged }: Measured): Promise<void> {
  const gaps = kills.map(({ gap }) => gap);
  const whole = kills.map(({ wholeAfter }) => wholeAfter);
  const perHour = (falseElections / parameters.quietMinutes) * 60;
  const spread = (values: readonly number[]): string =>
    [0.5, 0.9, 1].map((part) => seconds(quantile(values, part))).join(' / ');
  const rows: Row[] = [
    {
      what: 'no write acknowledged after a kill, p50 / p90 / max',
      measured: spread(gaps),
      budget: '≤ 10 s',
      kept: Math.max(...gaps) <= 10_000,
    },
    {
      what: 'all members serve again, p50 / p90 / max',
      measured: spread(whole),
      budget: '≤ 60 s',
      kept: Math.max(...whole) <= 60_000,
    },
    { what: 'acknowledged writes lost', measured: `${lost} of ${acknowledged}`, budget: '0', kept: lost === 0 },
    {
      what: `elections without cause in ${parameters.quietMinutes} min of load`,
      measured: `${falseElections} (${perHour.toFixed(1)} an hour)`,
    },
  ];
  const text = [
    '# Failover',
    '',
    '`make bench-failover` writes this page. Three members on the cluster of `make up`; the primary gets SIGKILL, and its pod',
    'is deleted. A client writes with w: majority each 50 ms, without a retry; it runs on the same machine, beside the four nodes.',
    '',
    `Measured ${await circumstances()}. Parameters: ${JSON.stringify(parameters)}.`,
    '',
    table(rows),
    '',
    `Gaps in the order of the kills: ${gaps.map((gap) => seconds(gap)).join(', ')}.`,
    '',
    '![Latency of acknowledged writes over time; kills are marked](failover.svg)',
    '',
  ].join('\n');
  if (!isQuick) {
    await mkdir(results, { recursive: true });
    await writeFile(join(results, 'failover.md'), text);
    await writeFile(
      join(results, 'failover.svg'),
      latencyPlot(
        history,
        kills.map(({ at }) => at),
      ),
    );
  }
  console.log(`\n${table(rows)}`);
}

await main();
