import { parseArgs } from 'node:util';
import { allTroubles } from './points.ts';
import { scenarios } from './scenarios.ts';
import { openStage } from './stage.ts';
import { Sweep } from './sweep.ts';
import type { Result } from './sweep.ts';

/**
 * `make sweep`: every scenario with a crash after every write and with every kind of weather. One line for each run,
 * and at the end a table; it fails when one run came to another end, or broke a law on the way.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { seed: { type: 'string' } }, allowPositionals: true });
  const seed = Number(values.seed ?? '1');
  const results: Result[] = [];
  process.on('unhandledRejection', (error) => {
    results.push({
      scenario: '-',
      trouble: 'unhandled rejection',
      outcome: 'failed',
      faults: 0,
      millis: 0,
      why: String(error),
    });
  });
  await using stage = await openStage();
  for (const scenario of scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
    const sweep = new Sweep(stage, scenario);
    const clean = await sweep.clean();
    console.log(`${scenario.name}: undisturbed, ${clean.writes.length} writes`);
    for (const trouble of allTroubles(clean, seed)) {
      const result = await sweep.trial(trouble, clean);
      results.push(result);
      console.log(`  ${lineOf(result)}`);
      if (result.why !== undefined) console.log(result.why.replaceAll(/^/gm, '      '));
    }
    await sweep.end();
  }
  report(results);
}

function lineOf({ trouble, outcome, faults, millis }: Result): string {
  const met = faults === 0 ? '' : `, ${faults} faults`;
  return `${outcome.padEnd(6)} ${trouble} (${(millis / 1000).toFixed(1)} s${met})`;
}

function report(results: readonly Result[]): void {
  const count = (chosen: readonly Result[], outcome: Result['outcome']): string =>
    String(chosen.filter((result) => result.outcome === outcome).length).padStart(8);
  console.log(
    `\n${'scenario'.padEnd(12)}${'trouble'.padEnd(10)}${['ok', 'missed', 'failed'].map((word) => word.padStart(8)).join('')}`,
  );
  for (const scenario of new Set(results.map((result) => result.scenario))) {
    for (const kind of ['crash', 'weather']) {
      const chosen = results.filter(
        (result) => result.scenario === scenario && result.trouble.startsWith('crash') === (kind === 'crash'),
      );
      const counts = (['ok', 'missed', 'failed'] as const).map((outcome) => count(chosen, outcome)).join('');
      console.log(`${scenario.padEnd(12)}${kind.padEnd(10)}${counts}`);
    }
  }
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  for (const { scenario, trouble } of failed) console.log(`failed: ${scenario}, ${trouble}`);
  console.log(`\n${results.length} runs, ${failed.length} failed`);
  process.exitCode = failed.length > 0 || results.length === 0 ? 1 : 0;
}

await main();
