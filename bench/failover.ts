import { eventually } from '../test/world/eventually.ts';
import { installGateway } from '../test/world/gateway.ts';
import { get } from '../test/world/kubectl.ts';
import { containersOf } from '../test/world/node.ts';
import { RecordingClient } from '../test/world/recording-client.ts';
import type { Acknowledged } from '../test/world/recording-client.ts';
import { World } from '../test/world/world.ts';
import type { Stack } from '../test/world/stack.ts';
import { latencyPlot } from './failover/plot.ts';
import { Report, isQuick, quantile, seconds, writeResult } from './report.ts';
import type { Row } from './report.ts';

/** `make bench-failover`: how long no write is acknowledged after a primary was killed or frozen, and how many elections there are without cause. */
const parameters = {
  kills: isQuick ? 3 : 20,
  freezes: isQuick ? 1 : 5,
  quietMinutes: isQuick ? 1 : 10,
  electionTimeoutMillis: 4_000,
  catchUpTimeoutMillis: 1_000,
};

interface Loss {
  readonly at: number;
  /** Longest time without an acknowledged write from then on. */
  readonly gap: number;
  /** Until every member served again. */
  readonly healthyAfter: number;
}

async function main(): Promise<void> {
  const world = new World();
  try {
    await installGateway();
    const stack = await world.createStack({ members: 3, replicas: 1 });
    await isHealthy(stack);
    await using recorder = await RecordingClient.start(stack);
    const falseElections = await countFalseElections(stack);
    const kills: Loss[] = [];
    for (let turn = 0; turn < parameters.kills; turn++) kills.push(await losePrimary(stack, recorder, killed));
    const freezes: Loss[] = [];
    for (let turn = 0; turn < parameters.freezes; turn++) freezes.push(await losePrimary(stack, recorder, frozen));
    const history = recorder.history;
    const writes = await recorder.end();
    await report({
      kills,
      freezes,
      falseElections,
      history,
      lost: writes.lost.length,
      acknowledged: writes.acknowledged,
    });
  } finally {
    await world.clear();
  }
}

function isHealthy(stack: Stack): Promise<unknown> {
  return stack.becomes('DatabaseReady=True/AllMembersHealthy', { within: 120 });
}

async function losePrimary(
  stack: Stack,
  recorder: RecordingClient,
  lose: (stack: Stack, primary: string) => Promise<void>,
): Promise<Loss> {
  const primary = await stack.primary();
  const at = performance.now();
  await lose(stack, primary);
  await isHealthy(stack);
  const healthyAfter = performance.now() - at;
  // The stack may report the new primary before the client's first write to it is acknowledged: the gap ends only then.
  await eventually(() => recorder.isAnswered(), { within: 10 });
  const after = recorder.history.filter((one) => one.at >= at).map((one) => one.at);
  const gap = Math.max(...after.map((time, index) => time - (after[index - 1] ?? at)));
  console.log(`${lose.name}: no write for ${seconds(gap)}, healthy after ${seconds(healthyAfter)}`);
  return { at, gap, healthyAfter };
}

function killed(stack: Stack, primary: string): Promise<void> {
  return stack.loseMembers([primary]);
}

/** Its connections stay open and carry nothing any more, as after a power loss of the node. */
async function frozen(stack: Stack, primary: string): Promise<void> {
  const containers = await containersOf(await get(stack.namespace, 'pod', primary));
  await containers.act('pause');
  try {
    await eventually(
      async () => {
        if ((await stack.primary()) === primary) throw new Error(`${primary} is still the primary`);
      },
      { within: 60 },
    );
  } finally {
    await containers.act('resume');
  }
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
  readonly kills: readonly Loss[];
  readonly freezes: readonly Loss[];
  readonly falseElections: number;
  readonly history: readonly Acknowledged[];
  readonly lost: number;
  readonly acknowledged: number;
}

async function report({ kills, freezes, falseElections, history, lost, acknowledged }: Measured): Promise<void> {
  const gaps = kills.map(({ gap }) => gap);
  const gapsFrozen = freezes.map(({ gap }) => gap);
  const healthy = kills.map(({ healthyAfter }) => healthyAfter);
  const perHour = (falseElections / parameters.quietMinutes) * 60;
  const spread = (values: readonly number[]): string =>
    [0.5, 0.9, 1].map((part) => seconds(quantile(values, part))).join(' / ');
  const rows: readonly Row[] = [
    {
      what: 'no write acknowledged after a kill, p50 / p90 / max',
      measured: spread(gaps),
      budget: '≤ 10 s',
      kept: Math.max(...gaps) <= 10_000,
    },
    {
      what: 'no write acknowledged after the primary froze, p50 / p90 / max',
      measured: spread(gapsFrozen),
      budget: '≤ 10 s',
      kept: Math.max(...gapsFrozen) <= 10_000,
    },
    {
      what: 'all members serve again after a kill, p50 / p90 / max',
      measured: spread(healthy),
      budget: '≤ 60 s',
      kept: Math.max(...healthy) <= 60_000,
    },
    { what: 'acknowledged writes lost', measured: `${lost} of ${acknowledged}`, budget: '0', kept: lost === 0 },
    {
      what: `elections without cause in ${parameters.quietMinutes} min of load`,
      measured: `${falseElections} (${perHour.toFixed(1)} an hour)`,
    },
  ];
  const page = new Report('failover');
  for (const row of rows) page.add(row);
  await page.write({
    title: 'Failover',
    about: [
      '`make bench-failover` writes this page. Three members on the cluster of `make up`; the primary gets SIGKILL, and its pod',
      'is deleted; after that the primary is frozen, with its connections open, until another has taken its place. A client',
      'writes with w: majority each 50 ms, without a retry; it runs on the same machine, beside the four nodes.',
    ],
    parameters,
    below: [
      `Gaps in the order of the kills: ${gaps.map((gap) => seconds(gap)).join(', ')}; of the freezes: ${gapsFrozen.map((gap) => seconds(gap)).join(', ')}.`,
      '',
      '![Latency of acknowledged writes over time; kills and freezes are marked](failover.svg)',
      '',
    ],
  });
  const losses = [...kills, ...freezes].map(({ at }) => at);
  if (!isQuick) await writeResult('failover.svg', latencyPlot(history, losses));
}

await main();
