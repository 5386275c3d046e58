import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runEnvironment } from '../support/run-environment.ts';
import { pageOf } from './results.ts';
import type { Note, Results } from './results.ts';
import { readScenarioFiles } from './scenario-files.ts';
import { batches, listOf } from './schedule.ts';
import type { Batch } from './schedule.ts';
import { installGateway } from '../world/gateway.ts';
import { NOTES_FILE } from '../world/world.ts';

const root = join(import.meta.dirname, '../..');

/** What the operator asks of the API server counts from here on. */
const STARTED = new Date().toISOString();

/**
 * Runs the scenarios of `make e2e`, with `--full` those of `make e2e-full`, in the order of `batches`. Words choose files;
 * `--list` prints what would run. The last line counts all.
 */
async function main(): Promise<void> {
  const { values, positionals: chosen } = parseArgs({
    options: { full: { type: 'boolean', default: false }, list: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const inOrder = batches(await readScenarioFiles(), { full: values.full, chosen });
  if (values.list) {
    process.stdout.write(`${listOf(inOrder)}\n`);
    return;
  }
  const environment = await runEnvironment();
  await installGateway();
  const results: (Results & Noted)[] = [];
  for (const batch of inOrder) results.push(await runJest(batch));
  const sum = (count: (one: Results) => number): number => results.reduce((total, one) => total + count(one), 0);
  const failed = sum((one) => one.numFailedTests + one.numRuntimeErrorTestSuites);
  const passed = sum((one) => one.numPassedTests);
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  if (!values.full || chosen.length > 0) return;
  const notes = results.flatMap((one) => one.notes);
  const minutes = Math.round((Date.now() - Date.parse(STARTED)) / 60_000);
  await writeFile(join(root, 'bench/results/e2e-full.md'), pageOf(results, { environment, minutes, notes }));
}

interface Noted {
  readonly notes: readonly Note[];
}

async function runJest({ files, workers }: Batch): Promise<Results & Noted> {
  const temporary = await mkdtemp(join(tmpdir(), 'e2e-'));
  try {
    const [output, notesFile] = [join(temporary, 'results.json'), join(temporary, 'notes')];
    await writeFile(notesFile, '');
    const jest = spawn(
      process.execPath,
      [
        ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
        ...[join(root, 'node_modules/jest/bin/jest.js'), '--config', join(root, 'test/e2e/jest.config.js')],
        ...['--maxWorkers', String(workers), '--json', '--outputFile', output, '--verbose'],
        ...['--runTestsByPath', ...files.map(({ path }) => path)],
      ],
      // With --json jest also prints the results themselves; its report for people goes to standard error.
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, E2E_STARTED: STARTED, [NOTES_FILE]: notesFile },
      },
    );
    await once(jest, 'exit');
    const lines = (await readFile(notesFile, 'utf8')).split('\n').filter((line) => line !== '');
    const notes = lines.map((line) => JSON.parse(line) as Note);
    return { ...(JSON.parse(await readFile(output, 'utf8')) as Results), notes };
  } finally {
    await rm(temporary, { recursive: true });
  }
}

await main();
