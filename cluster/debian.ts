import { CommandFailed, run, succeeds } from './process.ts';

export class PackagesMissing extends Error {
  override readonly name = 'PackagesMissing';
}

/** A new machine may still be installing something by itself. In seconds (apt.conf(5)). */
const AWAIT_LOCK = ['-o', 'DPkg::Lock::Timeout=300'];

/** Installs what is missing of these Debian packages, where that is possible. */
export async function needPackages(packages: readonly string[]): Promise<void> {
  const missing: string[] = [];
  for (const name of packages) {
    if (!(await isInstalled(name))) missing.push(name);
  }
  if (missing.length === 0) return;
  const list = missing.join(' ');
  if (process.getuid?.() !== 0) throw new PackagesMissing(`install these first: sudo apt-get install ${list}`);

  // Lists of third parties may be out of reach; whether what we need could be had shows when it is installed.
  await succeeds('apt-get', ['update', '-qq']);
  try {
    await run('apt-get', [...AWAIT_LOCK, 'install', '-y', '-qq', '--no-install-recommends', ...missing], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    });
  } catch (cause) {
    const said = cause instanceof CommandFailed ? cause.message : String(cause);
    throw new PackagesMissing(`could not install ${list}; see that apt-get can reach its mirror\n${said}`, { cause });
  }
}

async function isInstalled(name: string): Promise<boolean> {
  const status = await run('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name]).catch(() => '');
  return status === 'installed';
}
