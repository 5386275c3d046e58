import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../errors.ts';
import { oneAtATime } from '../one-at-a-time.ts';
import type { OneAtATime } from '../one-at-a-time.ts';
import type { GateFiles } from './plan.ts';

export interface Gate {
  read(): Promise<GateFiles>;
  /** Permits one start of mongod; any other start stays held. Part of a decision. */
  permit(wait: string): Promise<void>;
  /** The preStop hook that waits with this UUID may end, and mongod with it. */
  mayLeave(leaving: string): Promise<void>;
  /** What is read within one decision holds until its end: no permit, fence or wipe comes in between. */
  readonly decide: OneAtATime;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function openGate(gateDir: string): Gate {
  async function read(name: keyof GateFiles): Promise<Partial<Record<typeof name, string>>> {
    try {
      const content = (await readFile(join(gateDir, name), 'utf8')).trim();
      // Half a line of a file being written is no UUID yet.
      return uuid.test(content) ? { [name]: content } : {};
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return {};
      throw error;
    }
  }

  async function write(name: 'release' | 'left', content: string): Promise<void> {
    const file = join(gateDir, name);
    await writeFile(`${file}.new`, `${content}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  return {
    read: async () => ({
      ...(await read('opened')),
      ...(await read('release')),
      ...(await read('waiting')),
      ...(await read('leaving')),
      ...(await read('left')),
    }),
    permit: (wait) => write('release', wait),
    mayLeave: (leaving) => write('left', leaving),
    decide: oneAtATime(),
  };
}
