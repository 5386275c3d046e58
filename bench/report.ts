import { loadavg } from 'node:os';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runEnvironment } from '../test/support/run-environment.ts';

/** Enough to see whether something got worse, in a few minutes; it writes no page. */
export const isQuick: boolean = process.env['QUICK'] === '1';

/** Where pages are kept. */
export const results: string = join(import.meta.dirname, 'results');

/** One line of the table; without a budget there is nothing to keep. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly budget?: string;
  readonly kept?: boolean;
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function seconds(millis: number): string {
  return millis < 1_000 ? `${Math.round(millis)} ms` : `${(millis / 1_000).toFixed(millis < 10_000 ? 2 : 1)} s`;
}

export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ what, measured, budget = '', kept }) => {
    const report = kept === undefined ? '' : kept ? 'kept' : '**missed**';
    return `| ${[what, measured, budget, report].join(' | ')} |`;
  });
  return ['| what | measured | budget | |', '|---|---|---|---|', ...lines].join('\n');
}

export interface Page {
  readonly title: string;
  /** What is measured and how, in lines. */
  readonly about: readonly string[];
  readonly parameters: object;
  /** Lines below the table. */
  readonly below?: readonly string[];
}

/** What one bench measured: told line by line while it runs, and at the end as the page `bench/results/<name>.md`. */
export class Report {
  private readonly name: string;
  private readonly rows: Row[] = [];
  private readonly begun: number = performance.now();

  constructor(name: string) {
    this.name = name;
  }

  add(row: Row): void {
    this.rows.push(row);
    console.log(`${this.took().padStart(8)}  ${row.what}: ${row.measured}`);
  }

  async write({ title, about, parameters, below = [] }: Page): Promise<void> {
    const load = loadavg().map((value) => value.toFixed(1));
    const text = [
      ...[`# ${title}`, '', ...about, ''],
      `Measured ${await runEnvironment()}; load average at the end ${load.join(' ')}.`,
      `Parameters: ${JSON.stringify(parameters)}. Took ${this.took()}.`,
      ...['', table(this.rows), ''],
      ...below,
    ].join('\n');
    if (!isQuick) await writeResult(`${this.name}.md`, text);
    console.log(`\n${table(this.rows)}`);
  }

  private took(): string {
    return seconds(performance.now() - this.begun);
  }
}

/** Into `bench/results`. */
export async function writeResult(file: string, text: string): Promise<void> {
  const path = join(results, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
