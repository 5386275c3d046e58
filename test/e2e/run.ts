import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { circumstances } from '../../bench/circumstances.ts';
import { pageOf } from './results.ts';
import type { Results } from './results.ts';
import { installGateway } from './world/gateway.ts';

const root = join(import.meta.dirname, '../..');

interface Stage {
  readonly folder: string;
  readonly workers: number;
}

/** One scenario per guarantee. */
const shortStages: readonly Stage[] = [
  { folder: 'scenarios', workers: 2 },
  { folder: 'exclusive', workers: 1 },
];
/** Every fault that the database is promised to survive. */
const fullStages: readonly Stage[] = [
  { folder: 'faults', workers: 2 },
  { folder: 'nodes', workers: 1 },
];

/** What the operator asks of the API server counts from here on. */
const STARTED = new Date().toISOString();

/**
 * Runs the scenarios: first those that share the cluster, two at a time, then those that take it for themselves, and then
 * what looks back on all of them. The last line counts all.
 */
async function main(): Promise<void> {
  const { values, positionals: chosen } = parseArgs({ options: { full: { type: 'boolean' } }, allowPositionals: true });
  const run = await circumstances();
  await installGateway();
  const results: Results[] = [];
  for (const { folder, workers } of values.full ? [...shortStages, ...fullStages] : shortStages) {
    const files = await scenariosIn(folder, chosen);
    if (files.length > 0) results.push(await runJest(files, workers));
  }
  // A few scenarios do not make the operator do all that it does.
  if (chosen.length === 0) results.push(await runJest(await scenariosIn('afterwards', []), 1));
  const sum = (count: (one: Results) => number): number => results.reduce((total, one) => total + count(one), 0);
  const failed = sum((one) => one.numFailedTests + one.numRuntimeErrorTestSuites);
  const passed = sum((one) => one.numPassedTests);
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  if (values.full !== true || chosen.length > 0) return;
  const minutes = Math.round((Date.now() - Date.parse(STARTED)) / 60_000);
  await writeFile(join(root, 'bench/results/e2e-full.md'), pageOf(results, { circumstances: run, minutes }));
}

/** Files whose names contain one of the chosen words; without any, all. */
async function scenariosIn(folder: string, chosen: readonly string[]): Promise<readonly string[]> {
  const files = await readdir(join(import.meta.dirname, folder));
  const isChosen = (file: string): boolean => chosen.length === 0 || chosen.some((word) => file.includes(word));
  return files.filter(isChosen).map((file) => join(import.meta.dirname, folder, file));
}

async function runJest(files: readonly string[], workers: number): Promise<Results> {
  const temporary = await mkdtemp(join(tmpdir(), 'e2e-'));
  try {
    const output = join(temporary, 'results.json');
    const jest = spawn(
      process.execPath,
      [
        ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
        ...[join(root, 'node_modules/jest/bin/jest.js'), '--config', join(root, 'test/e2e/jest.config.js')],
        ...['--maxWorkers', String(workers), '--json', '--outputFile', output, '--verbose'],
        ...['--runTestsByPath', ...files],
      ],
      // With --json jest also prints the results themselves; its report for people goes to standard error.
      { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, E2E_STARTED: STARTED } },
    );
    await once(jest, 'exit');
    return JSON.parse(await readFile(output, 'utf8')) as Results;
  } finally {
    await rm(temporary, { recursive: true });
  }
}

await main();
