import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifact } from '../cache.ts';
import { run } from '../process.ts';
import { versions } from '../versions.ts';
import { mirror } from './root-filesystem.ts';

const libraries = ['libssl.so.1.1', 'libcrypto.so.1.1'];

/** Paths of OpenSSL 1.1's two libraries, out of the package of an older Debian, which is not installed. */
export async function openssl11(): Promise<readonly string[]> {
  const folder = await artifact('openssl-1.1', async (unfinished) => {
    const file = (...path: string[]): string => join(unfinished, 'apt', ...path);
    await mkdir(file('lists/partial'), { recursive: true });
    await mkdir(file('cache/archives/partial'), { recursive: true });
    const [from] = await mirror();
    if (from === undefined) throw new Error(`apt-get indextargets names no mirror of Debian ${versions.debian}`);
    await writeFile(file('sources.list'), `deb ${from} ${versions.debianWithOpenssl11} main\n`);
    const options = [
      ['Dir::Etc::sourcelist', file('sources.list')],
      ['Dir::Etc::sourceparts', '-'],
      ['Dir::State::lists', file('lists')],
      ['Dir::Cache', file('cache')],
    ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    await run('apt-get', [...options, '-qq', 'update']);
    await run('apt-get', [...options, '-qq', 'download', 'libssl1.1'], { cwd: unfinished });
    const deb = (await readdir(unfinished)).find((name) => name.endsWith('.deb'));
    if (deb === undefined) throw new Error('apt-get downloaded no package libssl1.1');
    await run('dpkg-deb', ['--extract', join(unfinished, deb), file('package')]);
    const paths = (await run('find', [file('package'), '-name', '*.so.1.1'])).trim().split('\n');
    for (const path of paths) await rename(path, join(unfinished, path.split('/').at(-1) ?? ''));
    await rm(join(unfinished, 'apt'), { recursive: true });
  });
  return libraries.map((name) => join(folder, name));
}
