import { basename } from 'node:path';

/** What jest writes with --json, as far as it is looked at here. */
export interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      /** Milliseconds. */
      readonly duration?: number | null;
    }[];
  }[];
}

/** What a scenario measured. */
export interface Note {
  readonly scenario: string;
  readonly measured: Readonly<Record<string, unknown>>;
}

export interface Run {
  readonly environment: string;
  readonly minutes: number;
  readonly notes: readonly Note[];
}

/** What `make e2e-full` leaves in bench/results. */
export function pageOf(results: readonly Results[], run: Run): string {
  const rows = results
    .flatMap(({ testResults }) => testResults)
    .flatMap(({ name, assertionResults }) =>
      assertionResults.map(({ title, status, duration }) => {
        const seconds = Math.round((duration ?? 0) / 1000);
        return `| ${basename(name, '.e2e.ts')} | ${title} | ${status} | ${seconds} s |`;
      }),
    );
  return [
    '# All scenarios',
    '',
    '`make e2e-full` writes this page: every scenario on the cluster of `make up`, those under load with a client that records',
    'what was acknowledged and finds all of it at the end.',
    '',
    `Run ${run.environment}, in ${run.minutes} min without \`make up\`.`,
    '',
    '| file | scenario | | took |',
    '|---|---|---|---|',
    ...rows,
    '',
    ...(run.notes.length === 0 ? [] : ['## What they measured', '', ...run.notes.map(lineOf), '']),
  ].join('\n');
}

function lineOf({ scenario, measured }: Note): string {
  return `- ${scenario}: \`${JSON.stringify(measured)}\``;
}
