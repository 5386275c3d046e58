import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runEnvironment } from '../support/run-environment.ts';
import { allDisturbances } from './disturbances.ts';
import { networkFaults } from './network-faults.ts';
import { scenarios } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';
import { openTestBed } from './test-bed.ts';
import type { TestBed } from './test-bed.ts';
import { Sweep } from './sweep.ts';
import type { Result } from './sweep.ts';

/**
 * `make sweep`: every scenario with a crash after every write and with every fault profile, as many scenarios at once as
 * there are processors, each on a cluster of its own: a run mostly waits, for heartbeats and elections. One line for each
 * run, and at the end a table, which a run of all scenarios also writes to bench/results; it fails when one run reached
 * another state, or violated an invariant on the way.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { seed: { type: 'string' } }, allowPositionals: true });
  const seed = Number(values.seed ?? '1');
  const results: Result[] = [];
  const begun = performance.now();
  const environment = await runEnvironment();
  process.on('unhandledRejection', (error) => {
    results.push({
      scenario: '-',
      disturbance: 'unhandled rejection',
      outcome: 'failed',
      faults: 0,
      millis: 0,
      why: String(error),
    });
  });
  const queue = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const lanes = Math.min(availableParallelism(), queue.length);
  // A lane that breaks leaves the others to end what they began, and to end their clusters.
  const ends = await Promise.allSettled(
    Array.from({ length: lanes }, async (_, lane) => {
      await using bed = await openTestBed({ lane });
      for (let scenario = queue.shift(); scenario; scenario = queue.shift()) {
        results.push(...(await runAll(bed, scenario, seed)));
      }
    }),
  );
  const broken = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  if (broken.length > 0) throw new AggregateError(broken, 'a scenario could not be run');
  await report(results, {
    environment,
    isWhole: positionals.length === 0,
    minutes: Math.round((performance.now() - begun) / 60_000),
  });
}

async function runAll(bed: TestBed, scenario: Scenario, seed: number): Promise<readonly Result[]> {
  const print = (line: string): void => {
    console.log(`${scenario.name}: ${line}`);
  };
  const sweep = new Sweep(bed, scenario);
  const clean = await sweep.clean();
  print(`undisturbed, ${clean.writes.length} writes`);
  const results: Result[] = [];
  for (const disturbance of allDisturbances(clean, seed)) {
    const result = await sweep.trial(disturbance, clean);
    results.push(result);
    print(lineOf(result));
    if (result.why !== undefined) console.log(result.why.replaceAll(/^/gm, '      '));
  }
  await sweep.end();
  return results;
}

function lineOf({ disturbance, outcome, faults, millis }: Result): string {
  const met = faults === 0 ? '' : `, ${faults} faults`;
  return `${outcome.padEnd(6)} ${disturbance} (${(millis / 1000).toFixed(1)} s${met})`;
}

const outcomes = ['ok', 'missed', 'failed'] as const;

function kindOf({ disturbance }: Result): string {
  if (disturbance.startsWith('crash')) return 'crash';
  return disturbance in networkFaults ? 'network' : 'faults';
}

/** A line for each scenario and kind of disturbance, as Markdown. */
function tableOf(results: readonly Result[]): string {
  const run = new Set(results.map(({ scenario }) => scenario));
  const rows = [...scenarios.map(({ name }) => name), '-']
    .filter((scenario) => run.has(scenario))
    .flatMap((scenario) =>
      ['crash', 'faults', 'network'].map((kind) => {
        const chosen = results.filter((result) => result.scenario === scenario && kindOf(result) === kind);
        const counts = outcomes.map((wanted) => chosen.filter(({ outcome }) => outcome === wanted).length);
        return `| ${[scenario, kind, ...counts].join(' | ')} |`;
      }),
    );
  return [`| scenario | disturbance | ${outcomes.join(' | ')} |`, '|---|---|---|---|---|', ...rows].join('\n');
}

async function report(
  results: readonly Result[],
  { isWhole, minutes, ...run }: { environment: string; isWhole: boolean; minutes: number },
): Promise<void> {
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  for (const { scenario, disturbance } of failed) console.log(`failed: ${scenario}, ${disturbance}`);
  const sum = `${results.length} runs, ${failed.length} failed`;
  console.log(`\n${tableOf(results)}\n\n${sum}`);
  process.exitCode = failed.length > 0 || results.length === 0 ? 1 : 0;
  if (!isWhole) return;
  const text = [
    '# The sweep',
    '',
    '`make sweep` writes this page: every scenario with the operator cut off after each of its writes (crash), and under each',
    'fault profile between it and the API server (faults), and with its own network to the auth pods cut (network), against a real kube-apiserver, etcd, agents and mongods. Each run',
    'has to come to the end of the undisturbed one. missed: the write it was to die after did not come.',
    '',
    `Run ${run.environment}, in ${minutes} min: ${sum}.`,
    '',
    tableOf(results),
    '',
  ].join('\n');
  await mkdir(resultsFolder, { recursive: true });
  await writeFile(join(resultsFolder, 'sweep.md'), text);
}

const resultsFolder = join(import.meta.dirname, '../../bench/results');

await main();
