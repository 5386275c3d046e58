import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';

  constructor(command: string, output: string) {
    super(`${command}\n${lastLines(output)}`);
  }
}

/** Runs a program to its end and returns what it wrote to standard output; what it wrote is shown only when it fails. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(program, args, {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  // A program that ends without reading its input makes the write fail; its exit code tells the story.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (child.exitCode === 0) return stdout;
  const end = child.signalCode ?? `exit code ${child.exitCode ?? 'unknown'}`;
  throw new CommandFailed(`${program} ${args.join(' ')} (${end})`, stderr + stdout);
}

/** Whether the program ends with exit code 0. */
export async function succeeds(program: string, args: readonly string[], options: RunOptions = {}): Promise<boolean> {
  return run(program, args, options).then(
    () => true,
    () => false,
  );
}

/** The program of that name on PATH. */
export async function which(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  return undefined;
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-30).join('\n');
}
