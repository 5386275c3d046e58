import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { results, writeResult } from '../report.ts';
import type { SignIn } from './sign-ins.ts';

/*
 * What was measured of one event is a file of its own, so that the page can be made of runs at different times: all events
 * twenty times each take hours.
 *
 *   events.ts ──► failover.ts measures ──► results/failover/<event>.json ──► page.ts ──► results/failover.md, failover.svg
 */

/** What one occurrence of an event cost; times in milliseconds. */
export interface Occurrence {
  /** Longest time without an acknowledged write. */
  readonly gap: number;
  /** Until every member served again. */
  readonly healthyAfter: number;
  readonly signIns: {
    readonly tried: number;
    /** From the first failure to the end of the last; 0 without one. */
    readonly failingFor: number;
    readonly longest: number;
    readonly failed: readonly { readonly status?: number; readonly took: number; readonly retryAfter: boolean }[];
  };
}

/** The occurrences of one run, and whose figures they are. */
export interface Measured {
  /** Machine, commit and load. */
  readonly conditions: string;
  readonly occurrences: readonly Occurrence[];
  /** Of the whole run, which may have measured other events as well. */
  readonly writes: { readonly acknowledged: number; readonly lost: number };
}

/** An hour or so in which nothing happens but load. */
export interface Quiet {
  readonly conditions: string;
  readonly minutes: number;
  readonly elections: number;
  readonly signIns: { readonly tried: number; readonly failed: number };
  readonly writes: Measured['writes'];
}

export function signInsOf(tried: readonly SignIn[]): Occurrence['signIns'] {
  const failed = tried.filter(({ status }) => status !== 200);
  const failingFor =
    failed.length === 0
      ? 0
      : Math.max(...failed.map(({ at, took }) => at + took)) - Math.min(...failed.map(({ at }) => at));
  return {
    tried: tried.length,
    failingFor,
    longest: Math.max(0, ...tried.map(({ took }) => took)),
    failed: failed.map(({ status, took, retryAfter }) => ({
      ...(status !== undefined && { status }),
      took,
      retryAfter,
    })),
  };
}

/** Times are rounded to whole milliseconds. */
export async function keep(name: string, measured: Measured | Quiet): Promise<void> {
  const rounded = (_key: string, value: unknown): unknown => (typeof value === 'number' ? Math.round(value) : value);
  await writeResult(`failover/${name}.json`, `${JSON.stringify(measured, rounded, 2)}\n`);
}

/** Undefined: never measured. */
export async function kept<Kind extends Measured | Quiet>(name: string): Promise<Kind | undefined> {
  try {
    return JSON.parse(await readFile(join(results, 'failover', `${name}.json`), 'utf8')) as Kind;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
