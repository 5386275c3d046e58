import { setTimeout as pause } from 'node:timers/promises';
import { installedChart } from '../test/world/chart.ts';
import { eventually } from '../test/world/eventually.ts';
import { installGateway } from '../test/world/gateway.ts';
import { RecordingClient } from '../test/world/recording-client.ts';
import type { Stack } from '../test/world/stack.ts';
import { World } from '../test/world/world.ts';
import { events } from './failover/events.ts';
import type { Event } from './failover/events.ts';
import { latencyPlot } from './failover/plot.ts';
import { SignIns } from './failover/sign-ins.ts';
import type { SignIn } from './failover/sign-ins.ts';
import { Report, isQuick, quantile, seconds, writeResult } from './report.ts';
import type { Row } from './report.ts';

/**
 * `make bench-failover`: how long no write is acknowledged, and what people who sign in notice, when a primary, its pod or its
 * node goes; and how many elections there are without cause. EVENT="killed node-dies" measures these alone.
 */
const chosen = (process.env['EVENT'] ?? '').split(' ').filter((name) => name !== '');
const unknown = chosen.filter((name) => !events.some((event) => event.name === name));
if (unknown.length > 0) {
  throw new Error(`EVENT: ${unknown.join(', ')} is none of ${events.map(({ name }) => name).join(', ')}`);
}
const measured = events.filter(({ name }) => chosen.length === 0 || chosen.includes(name));

const parameters = {
  times: Number(process.env['TIMES'] ?? (isQuick ? 3 : 20)),
  quietMinutes: isQuick || chosen.length > 0 ? 1 : 60,
  electionTimeoutMillis: 4_000,
  catchUpTimeoutMillis: 1_000,
};

/** What one occurrence cost; times in milliseconds. */
interface Cost {
  readonly at: number;
  /** Longest time without an acknowledged write from then on. */
  readonly gap: number;
  readonly signIns: readonly SignIn[];
  /** Until every member served again. */
  readonly healthyAfter: number;
}

interface Load {
  readonly stack: Stack;
  readonly recorder: RecordingClient;
  readonly signIns: SignIns;
}

async function main(): Promise<void> {
  const world = new World();
  try {
    await installGateway();
    // A leader whose node dies has a successor, and each worker has an auth pod.
    await using chart = await installedChart();
    await chart.upgrade({ replicas: 2 });
    const stack = await world.createStack({ members: 3, replicas: 3 });
    await isHealthy(stack);
    await stack.becomes('Ready', { within: 120 });
    await using recorder = await RecordingClient.start(stack);
    await using signIns = await SignIns.start(stack);
    const elections = await electionsWithoutCause(stack);
    const page = new Report('failover');
    const at: number[] = [];
    const inOrder: string[] = [];
    for (const event of measured) {
      const costs: Cost[] = [];
      for (let turn = 0; turn < parameters.times; turn++) {
        costs.push(await measure(event, { stack, recorder, signIns }));
      }
      for (const row of rowsOf(event, costs)) page.add(row);
      at.push(...costs.map((cost) => cost.at));
      inOrder.push(`${event.name}: ${costs.map(({ gap }) => seconds(gap)).join(', ')}.`);
    }
    const history = recorder.history;
    const { lost, acknowledged } = await recorder.end();
    page.add({
      what: 'acknowledged writes lost',
      measured: `${lost.length} of ${acknowledged}`,
      budget: '0',
      kept: lost.length === 0,
    });
    page.add({
      what: `elections without cause in ${parameters.quietMinutes} min of load`,
      measured: String(elections),
      budget: '0',
      kept: elections === 0,
    });
    await page.write({
      title: 'Failover',
      about: [
        '`make bench-failover` writes this page. Three members, three auth pods and two operators on the cluster of `make up`. A client writes with',
        'w: majority each 50 ms, without a retry; somebody signs in through the gateway each 200 ms, without a retry. Both run on the',
        'same machine, beside the four nodes.',
      ],
      parameters: { ...parameters, events: measured.map(({ name }) => name) },
      below: [
        'Times without an acknowledged write, in the order of the events:',
        '',
        ...inOrder.map((line) => `- ${line}`),
        '',
        '![Latency of acknowledged writes over time; the events are marked](failover.svg)',
        '',
      ],
    });
    if (!isQuick) await writeResult('failover.svg', latencyPlot(history, at));
  } finally {
    await world.clear();
  }
}

function isHealthy(stack: Stack): Promise<unknown> {
  return stack.becomes('DatabaseReady=True/AllMembersHealthy', { within: 120 });
}

async function measure(event: Event, { stack, recorder, signIns }: Load): Promise<Cost> {
  await Promise.all([isHealthy(stack), eventually(() => signIns.succeed(), { within: 60 })]);
  let at = performance.now();
  await event.happen(stack, () => (at = performance.now()));
  // The stack may report the new primary before the client's first write to it is acknowledged: the gap ends only then.
  const happened = performance.now();
  await eventually(() => recorder.acknowledgedSince(happened), { within: 10 });
  await isHealthy(stack);
  const healthyAfter = performance.now() - at;
  await eventually(() => signIns.succeed(), { within: 60 });
  const after = recorder.history.filter((one) => one.at >= at).map((one) => one.at);
  const gap = Math.max(...after.map((time, index) => time - (after[index - 1] ?? at)));
  const tried = signIns.since(at);
  console.log(
    `${event.name}: no write for ${seconds(gap)}; ${failuresIn(tried).length} of ${tried.length} sign-ins failed, the longest took ` +
      `${seconds(longestOf(tried))}; healthy after ${seconds(healthyAfter)}`,
  );
  return { at, gap, signIns: tried, healthyAfter };
}

function rowsOf({ what, writes, signIns }: Event, costs: readonly Cost[]): readonly Row[] {
  const gaps = costs.map(({ gap }) => gap);
  const spread = (values: readonly number[]): string =>
    [0.5, 0.9, 1].map((part) => seconds(quantile(values, part))).join(' / ');
  const tried = costs.flatMap((cost) => cost.signIns);
  const failed = failuresIn(tried);
  const failing = costs.map((cost) => failingFor(cost.signIns));
  const isPolite = failed.every(({ status, retryAfter }) => status === 503 && retryAfter);
  const promises: readonly (readonly [string, boolean] | false)[] = [
    signIns.failed !== undefined && [`≤ ${signIns.failed} fail`, failed.length <= signIns.failed],
    signIns.failingFor !== undefined && [
      `fail for ≤ ${seconds(signIns.failingFor)}`,
      Math.max(...failing) <= signIns.failingFor,
    ],
    signIns.longest !== undefined && [`≤ ${seconds(signIns.longest)}`, longestOf(tried) <= signIns.longest],
    signIns.politely === true && ['only 503 with Retry-After', isPolite],
  ];
  const kept = promises.filter((promise) => promise !== false);
  const median = writes.median === undefined ? '' : `p50 ≤ ${seconds(writes.median)}, `;
  return [
    {
      what: `${what}: no write acknowledged, p50 / p90 / max`,
      measured: spread(gaps),
      budget: `${median}max ≤ ${seconds(writes.max)}`,
      kept: Math.max(...gaps) <= writes.max && quantile(gaps, 0.5) <= (writes.median ?? Infinity),
    },
    {
      what: 'sign-ins that failed, for how long at most, and the longest',
      measured: `${failed.length} of ${tried.length}, ${seconds(Math.max(...failing))}, ${seconds(longestOf(tried))}`,
      budget: kept.map(([promise]) => promise).join(', '),
      kept: kept.every(([, isKept]) => isKept),
    },
    {
      what: 'all members serve again, p50 / p90 / max',
      measured: spread(costs.map(({ healthyAfter }) => healthyAfter)),
    },
  ];
}

function failuresIn(tried: readonly SignIn[]): readonly SignIn[] {
  return tried.filter(({ status }) => status !== 200);
}

/** From the first failure to the end of the last. */
function failingFor(tried: readonly SignIn[]): number {
  const failed = failuresIn(tried);
  if (failed.length === 0) return 0;
  return Math.max(...failed.map(({ at, took }) => at + took)) - Math.min(...failed.map(({ at }) => at));
}

function longestOf(tried: readonly SignIn[]): number {
  return Math.max(0, ...tried.map(({ took }) => took));
}

/** Elections while nothing happens but load. */
async function electionsWithoutCause(stack: Stack): Promise<number> {
  const before = await termOf(stack);
  await pause(parameters.quietMinutes * 60_000);
  return (await termOf(stack)) - before;
}

function termOf(stack: Stack): Promise<number> {
  return stack.askMember(0, async (client) =>
    Number((await client.db('admin').command({ replSetGetStatus: 1 }))['term']),
  );
}

await main();
