import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { runEnvironment } from '../test/support/run-environment.ts';
import { installedChart } from '../test/world/chart.ts';
import { eventually } from '../test/world/eventually.ts';
import { installGateway } from '../test/world/gateway.ts';
import { RecordingClient } from '../test/world/recording-client.ts';
import type { Stack } from '../test/world/stack.ts';
import { World } from '../test/world/world.ts';
import { events } from './failover/events.ts';
import type { Event } from './failover/events.ts';
import { keep, signInsOf } from './failover/occurrence.ts';
import type { Measured, Occurrence, Quiet } from './failover/occurrence.ts';
import { rowsOf, writePage } from './failover/page.ts';
import { SignIns } from './failover/sign-ins.ts';
import { isQuick, seconds, table } from './report.ts';

/**
 * `make bench-failover`: how long no write is acknowledged, and what people who sign in notice, when a primary, its pod or its
 * node goes; and how many elections there are without cause. EVENT="killed quiet" measures these alone and leaves what the page
 * says of the others.
 */
const QUIET = 'quiet';
const known = [...events.map(({ name }) => name), QUIET];
const asked = (process.env['EVENT'] ?? '').split(' ').filter((name) => name !== '');
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) throw new Error(`EVENT: ${unknown.join(', ')} is none of ${known.join(', ')}`);
const chosen = asked.length === 0 ? known : asked;
const times = countIn('TIMES', isQuick ? 3 : 20);
const quietMinutes = countIn('MINUTES', isQuick ? 1 : 60);

interface Load {
  readonly stack: Stack;
  readonly recorder: RecordingClient;
  readonly signIns: SignIns;
}

function countIn(variable: string, otherwise: number): number {
  const text = process.env[variable] ?? String(otherwise);
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`${variable}: ${text} is no number from 1 to 9999`);
  return Number(text);
}

async function main(): Promise<void> {
  const world = new World('failover');
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
    const load = { stack, recorder, signIns };
    const measured: (Omit<Measured, 'writes'> & { readonly event: Event })[] = [];
    for (const event of events.filter(({ name }) => chosen.includes(name))) {
      const occurrences: Occurrence[] = [];
      while (occurrences.length < times) occurrences.push(await measure(event, load));
      measured.push({ event, occurrences, conditions: await conditions() });
    }
    const quiet = chosen.includes(QUIET) ? await quietTime(load) : undefined;
    const { lost, acknowledged } = await recorder.end();
    const writes = { acknowledged, lost: lost.length };
    for (const { event, occurrences } of measured) {
      console.log(`\n${event.what}, ${occurrences.length} times\n${table(rowsOf(event, occurrences))}`);
    }
    console.log(`\n${lost.length} of ${acknowledged} acknowledged writes lost`);
    if (isQuick) return;
    for (const { event, ...rest } of measured) await keep(event.name, { ...rest, writes });
    if (quiet) await keep(QUIET, { ...quiet, writes });
    await writePage();
  } finally {
    await world.clear();
  }
}

function isHealthy(stack: Stack): Promise<unknown> {
  return stack.becomes('DatabaseReady=True/AllMembersHealthy', { within: 120 });
}

async function measure(event: Event, { stack, recorder, signIns }: Load): Promise<Occurrence> {
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
  const tried = signInsOf(signIns.since(at));
  console.log(
    `${event.name}: no write for ${seconds(gap)}; ${tried.failed.length} of ${tried.tried} sign-ins failed, the longest took ` +
      `${seconds(tried.longest)}; healthy after ${seconds(healthyAfter)}`,
  );
  return { gap, healthyAfter, signIns: tried };
}

/** Nothing happens but load. */
async function quietTime({ stack, signIns }: Load): Promise<Omit<Quiet, 'writes'>> {
  await Promise.all([isHealthy(stack), eventually(() => signIns.succeed(), { within: 60 })]);
  const before = await termOf(stack);
  const begun = performance.now();
  await pause(quietMinutes * 60_000);
  const elections = (await termOf(stack)) - before;
  const { tried, failed } = signInsOf(signIns.since(begun));
  console.log(`${QUIET}: ${elections} elections in ${quietMinutes} min; ${failed.length} of ${tried} sign-ins failed`);
  return {
    minutes: quietMinutes,
    elections,
    signIns: { tried, failed: failed.length },
    conditions: await conditions(),
  };
}

async function conditions(): Promise<string> {
  const load = loadavg().map((value) => value.toFixed(1));
  return `${await runEnvironment()}; load average at the end ${load.join(' ')}`;
}

function termOf(stack: Stack): Promise<number> {
  return stack.askMember(0, async (client) =>
    Number((await client.db('admin').command({ replSetGetStatus: 1 }))['term']),
  );
}

await main();
