import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where everything that takes long to make is kept between runs. */
export const cache: string = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'auth-stack');

/**
 * A folder of the cache that is made once. It is made under another name and renamed at the end, so that a build that
 * was killed leaves nothing that looks finished, and under a lock, so that two processes never make it at once.
 */
export async function artifact(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;

  await using _lock = await lock(name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  // Some take minutes: whoever waits should see for what.
  process.stderr.write(`\n  ${name}, made once and kept …`);
  await make(unfinished);
  await rename(unfinished, folder);
  return folder;
}

/** Held until disposed of, or until this process ends in whatever way: its end closes the pipe that `cat` reads. */
export async function lock(name: string): Promise<AsyncDisposable> {
  const folder = join(cache, 'locks');
  await mkdir(folder, { recursive: true });
  const holder = spawn('flock', [join(folder, name), 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'close');
  await once(holder.stdout, 'data');
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      holder.stdin.end();
      await ended;
    },
  };
}
