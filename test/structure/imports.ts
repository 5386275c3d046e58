import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { run } from '../../cluster/process.ts';
import { importedPath } from './layers.ts';

const root = join(import.meta.dirname, '../..');

/** Who imports whom, types included: paths from the repository's root on. */
export type Imports = ReadonlyMap<string, readonly string[]>;

export const sourceFolders: readonly string[] = ['operator', 'services', 'packages', 'web', 'cluster', 'test', 'bench'];

/** The imports of all TypeScript files in these folders; libraries are left out. */
export async function readImports(...folders: readonly string[]): Promise<Imports> {
  const listed = await run('git', ['-C', root, 'ls-files', '--cached', '--others', '--exclude-standard', ...folders]);
  // Git lists what it does not track first; the picture must not change with `git add`.
  const files = listed
    .split('\n')
    .filter((path) => /\.tsx?$/.test(path))
    .sort();
  const graph = new Map<string, readonly string[]>();
  for (const file of files) {
    const text = await readFile(join(root, file), 'utf8').catch(() => undefined);
    if (text !== undefined) graph.set(file, importsIn(text, file));
  }
  return graph;
}

export function importsIn(text: string, file: string): readonly string[] {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  const paths = importedFiles.map(({ fileName }) => importedPath(file, fileName));
  return [...new Set(paths.filter((path) => path !== undefined))];
}

/** Sets of two or more that reach each other, each in alphabetical order. */
export function cyclesIn(graph: Imports): readonly (readonly string[])[] {
  const reached = new Map([...graph.keys()].map((from) => [from, reachableFrom(from, graph)]));
  const seen = new Set<string>();
  const cycles: (readonly string[])[] = [];
  for (const file of graph.keys()) {
    if (seen.has(file) || reached.get(file)?.has(file) !== true) continue;
    const circle = [...graph.keys()].filter((other) => reached.get(file)?.has(other) && reached.get(other)?.has(file));
    for (const one of circle) seen.add(one);
    cycles.push(circle.toSorted((a, b) => a.localeCompare(b)));
  }
  return cycles;
}

function reachableFrom(start: string, graph: Imports): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [...(graph.get(start) ?? [])];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    waiting.push(...(graph.get(next) ?? []));
  }
  return reached;
}

/** The same graph between what `nameOf` makes of the files; what imports itself does not count. */
export function grouped(graph: Imports, nameOf: (file: string) => string | undefined): Imports {
  const groups = new Map<string, Set<string>>();
  for (const [file, imported] of graph) {
    const from = nameOf(file);
    if (from === undefined) continue;
    const to = groups.get(from) ?? new Set<string>();
    groups.set(from, to);
    for (const name of imported.map(nameOf)) if (name !== undefined && name !== from) to.add(name);
  }
  return new Map([...groups].map(([from, to]) => [from, [...to].toSorted((a, b) => a.localeCompare(b))]));
}
