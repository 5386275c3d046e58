import { join } from 'node:path';
import { authConsumerKind } from '../../operator/src/api/auth-consumer.ts';
import { authContract } from '../../services/auth/src/api.ts';
import { untilQuiet } from '../operator/measures.ts';
import { processUsage } from '../operator/operator-process.ts';
import type { ProcessUsage, Usage } from '../operator/operator-process.ts';
import { consumerRef } from '../operator/seed.ts';
import { seconds } from '../report.ts';
import type { Report } from '../report.ts';
import type { ConnectionsReport } from './connections.ts';
import { parameters } from './parameters.ts';
import { startProgram } from './program.ts';
import type { AuthPod } from './pods.ts';
import type { World } from './world.ts';

/** Consumers that very many services are, beside those that verify tokens. */
const FIRST = 3;
const CLIENTS = 7;

interface Options {
  readonly report: Report;
  /** What may be begun already, while the streams are still looked at. */
  readonly afterIdle: () => Promise<void>;
}

/** Very many services at one auth pod, what they cost there, and that an operator whose stack they belong to has nothing to do. */
export async function measureConnections(world: World, { report, afterIdle }: Options): Promise<void> {
  const { connections: count, connectionsPerSecond: perSecond } = parameters;
  const [pod, other] = world.parts.pods;
  if (!pod || !other) throw new Error('there are no two auth pods');
  const before = await processUsage(pod.pid);
  const clients = Array.from({ length: CLIENTS }, (_, index) => FIRST + index);
  const directories = await Promise.all(clients.map((index) => world.mountOfConsumer(index)));
  await using program = await startProgram({
    ...{ file: 'connections-process.ts', settings: { count, directories, perSecond } },
    ...{ names: world.namesFor([pod]), log: join(world.parts.folder, 'connections.log') },
  });
  const told = (): Promise<ConnectionsReport> => program.ask<ConnectionsReport>('/report');
  while ((await told()).connected < count) await pause(0.1);
  await world.parts.spectator.until('the acknowledgements of every client', () =>
    clients.every((index) => world.parts.spectator.get(authConsumerKind, consumerRef(index))?.status?.acknowledgedKids),
  );
  await untilQuiet(world.parts);

  await program.ask('/begin');
  const speaking = await watch(world, parameters.idleSeconds);
  const streams = await told();
  reportIdle(report, { seen: speaking, streams });
  await afterIdle();
  await program.ask('/mute');
  const mute = await watch(world, parameters.muteSeconds);
  const { residentMiB } = await processUsage(pod.pid);
  reportStreams(report, {
    ...{ streams, speaking, mute, pod },
    memory: { before: before.residentMiB, now: residentMiB },
  });
}

interface Watched {
  readonly writes: readonly string[];
  readonly requestsPerSecond: number;
  /** Of an auth pod, which verifiers have told it which keys. */
  readonly asksPerSecond: number;
  readonly operatorCpu: number;
  readonly operatorMiB: number;
  /** Milliseconds in a second, of the pod with the streams without what another needs all the same. */
  readonly podCpu: number;
}

interface Moment {
  readonly operator: Usage;
  readonly pods: readonly ProcessUsage[];
  readonly asks: number;
  readonly at: number;
}

async function watch(world: World, length: number): Promise<Watched> {
  const before = await moment(world);
  await pause(length);
  const after = await moment(world);
  const span = (after.at - before.at) / 1000;
  const rate = (of: (seen: Moment) => number): number => (of(after) - of(before)) / span;
  const cpuOf = (index: number) => (seen: Moment) => (seen.pods[index]?.cpuSeconds ?? NaN) * 1000;
  const writes = await world.writesSince(before.at);
  return {
    writes: writes.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
    requestsPerSecond: rate(({ operator }) => Object.values(operator.requests).reduce((sum, one) => sum + one, 0)),
    asksPerSecond: rate(({ asks }) => asks),
    operatorCpu: rate(({ operator }) => operator.cpuSeconds) * 100,
    operatorMiB: after.operator.residentMiB,
    podCpu: rate(cpuOf(0)) - rate(cpuOf(1)),
  };
}

async function moment({ parts: { operator, pods } }: World): Promise<Moment> {
  const asks = await Promise.all(pods.map(asksOf));
  return {
    operator: await operator.usage(),
    pods: await Promise.all(pods.map(({ pid }) => processUsage(pid))),
    asks: asks.reduce((sum, one) => sum + one, 0),
    at: Date.now(),
  };
}

async function asksOf(pod: AuthPod): Promise<number> {
  const text = await pod.metrics();
  const line = new RegExp(
    `^authstack_operator_requests_total\\{route="${authContract.verifiersPath}".*\\} (\\d+)$`,
    'm',
  );
  return Number(line.exec(text)?.[1] ?? 0);
}

function reportIdle(
  report: Report,
  { seen, streams }: { readonly seen: Watched; readonly streams: ConnectionsReport },
): void {
  const { idleSeconds } = parameters;
  for (const write of seen.writes) console.error(`          idle, and yet: ${write}`);
  report.add({
    what: `idle for ${idleSeconds} s with ${streams.connected} services connected: writes of the operator, but for its lease`,
    measured: String(seen.writes.length),
    budget: '0',
    kept: seen.writes.length === 0,
  });
  report.add({
    what: 'idle: requests of the operator to the API server, its lease included',
    measured: `${seen.requestsPerSecond.toFixed(2)}/s`,
    budget: '≤ 1/s',
    kept: seen.requestsPerSecond <= 1,
  });
  report.add({
    what: 'idle: how often the operator asks an auth pod which keys its services have, both pods together',
    measured: `${seen.asksPerSecond.toFixed(2)}/s`,
  });
  report.add({
    what: 'idle: CPU of one core and memory (RSS) of the operator',
    measured: `${seen.operatorCpu.toFixed(1)} %, ${Math.round(seen.operatorMiB)} MiB`,
  });
}

interface Streams {
  readonly streams: ConnectionsReport;
  readonly speaking: Watched;
  readonly mute: Watched;
  readonly pod: AuthPod;
  /** Of the pod, in MiB. */
  readonly memory: { readonly before: number; readonly now: number };
}

function reportStreams(report: Report, { streams, speaking, mute, pod, memory }: Streams): void {
  const { connections: count, idleSeconds } = parameters;
  const grown = memory.now - memory.before;
  report.add({
    what: `${count} event streams on one auth pod: its memory (RSS), and for each`,
    measured: `${Math.round(memory.now)} MiB, before ${Math.round(memory.before)} MiB; ${Math.round((grown * 1024) / count)} KiB`,
    budget: `≤ ${pod.memoryLimitMiB} MiB, its limit`,
    kept: memory.now <= pod.memoryLimitMiB,
  });
  report.add({
    what: `${count} event streams: CPU for each, with its acknowledgements and without`,
    measured: `${perStream(speaking)} and ${perStream(mute)} (${(speaking.podCpu / 10).toFixed(1)} % and ${(mute.podCpu / 10).toFixed(1)} % of one core in all)`,
  });
  report.add({
    what: `${count} event streams: heartbeats late, of ${streams.beats.toLocaleString('en')}: p50 / p99 / the latest`,
    measured: [streams.late.p50, streams.late.p99, streams.late.most].map(seconds).join(' / '),
  });
  const { taken, failed } = streams.acknowledged;
  report.add({
    what: 'acknowledgements that the pod took, and that failed',
    measured: `${(taken / idleSeconds).toFixed(0)}/s, ${failed}`,
    budget: '0 failed',
    kept: failed === 0,
  });
}

function perStream({ podCpu }: Watched): string {
  return `${(podCpu / parameters.connections).toFixed(3)} ms/s`;
}

function pause(length: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, length * 1000));
}
