import { basename } from 'node:path';
import type { Declaration } from '../world/scenario.ts';

/** A file and what its scenarios declare; jest runs whole files, so they agree on when. */
export interface ScenarioFile {
  readonly path: string;
  readonly scenarios: readonly Declaration[];
}

/** Files that one run of jest takes, so many of them at a time. */
export interface Batch {
  readonly files: readonly ScenarioFile[];
  readonly workers: number;
}

export interface Choice {
  /** The suite `full` as well. */
  readonly full: boolean;
  /** Parts of file names; without any, all files. */
  readonly chosen: readonly string[];
}

/**
 * The order of a run: of each suite first the files that share the cluster, two at a time, then those that need it for
 * themselves; last the audit, unless only some files were chosen, for those do not make the operator do all that it does.
 */
export function batches(files: readonly ScenarioFile[], { full, chosen }: Choice): readonly Batch[] {
  const isChosen = ({ path }: ScenarioFile): boolean =>
    chosen.length === 0 || chosen.some((word) => nameOf(path).includes(word));
  const all = files.filter(isChosen).map((file) => ({ file, ...scheduleOf(file) }));
  const batch = (workers: number, wanted: (one: (typeof all)[number]) => boolean): Batch => ({
    workers,
    files: all.filter(wanted).map(({ file }) => file),
  });
  const suites = full ? (['core', 'full'] as const) : (['core'] as const);
  const inOrder = suites.flatMap((name) => [
    batch(2, ({ suite, alone }) => suite === name && !alone),
    batch(1, ({ suite, alone }) => suite === name && alone),
  ]);
  const audit = batch(1, ({ suite }) => suite === 'audit' && chosen.length === 0);
  return [...inOrder, audit].filter((one) => one.files.length > 0);
}

/** One line for each file, in the order in which they run. */
export function listOf(inOrder: readonly Batch[]): string {
  const lines = inOrder
    .flatMap(({ files }) => files)
    .map((file) => {
      const { suite, alone } = scheduleOf(file);
      const minutes = file.scenarios.reduce((sum, scenario) => sum + scenario.minutes, 0);
      return [nameOf(file.path).padEnd(26), suite.padEnd(5), (alone ? 'alone' : '').padEnd(5), `${minutes} min`].join(
        '  ',
      );
    });
  return lines.join('\n');
}

function scheduleOf({
  path,
  scenarios: [first, ...others],
}: ScenarioFile): Required<Pick<Declaration, 'suite' | 'alone'>> {
  if (!first) throw new Error(`${nameOf(path)} declares no scenario`);
  const { suite, alone = false } = first;
  const other = others.find((one) => one.suite !== suite || (one.alone ?? false) !== alone);
  if (other) {
    const [name, cause] = [nameOf(path), `"${other.name}" is scheduled otherwise than "${first.name}"`];
    throw new Error(`${name}: ${cause}: move it to a file of its own`);
  }
  return { suite, alone };
}

function nameOf(path: string): string {
  return basename(path, '.e2e.ts');
}
