import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** A server process of a test. It dies with the test's process, however that ends. */
export interface Server {
  readonly pid: number;
  /** Resolves once it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface ServerOptions {
  /** File that gets its output. */
  readonly log: string;
  /** Throws or rejects while the server does not answer yet. */
  readonly answers: () => Promise<unknown>;
}

/** Starts a server and waits until it answers. */
export async function startServer(
  program: string,
  args: readonly string[],
  { log, answers }: ServerOptions,
): Promise<Server> {
  const output = openSync(log, 'a');
  // setpriv(1): the kernel kills the server when this process dies, so that no test run leaves servers behind.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = once(child, 'exit');
  await untilAnswers(child, answers, log);
  return {
    pid: child.pid ?? 0,
    async kill(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
    },
  };
}

async function untilAnswers(child: ChildProcess, answers: () => Promise<unknown>, log: string): Promise<void> {
  const end = performance.now() + 60_000;
  for (;;) {
    try {
      await answers();
      return;
    } catch (cause) {
      const lastLines = async () => (await readFile(log, 'utf8')).split('\n').slice(-15).join('\n');
      const command = child.spawnargs.slice(3).join(' ');
      if (child.exitCode !== null) throw new Error(`${command} ended\n${await lastLines()}`, { cause });
      if (performance.now() > end) throw new Error(`${command} does not answer\n${await lastLines()}`, { cause });
      await pause(50);
    }
  }
}
