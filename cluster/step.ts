/** A part of a longer command: what a person reads while it runs, and what to do when it fails. */
export interface Step {
  readonly name: string;
  readonly ifItFails: string;
}

/** Runs one step, tells that it runs, and how long it took. */
export async function step<T>({ name, ifItFails }: Step, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  process.stderr.write(`${name} …`);
  try {
    const result = await work();
    process.stderr.write(` ${seconds()}\n`);
    return result;
  } catch (cause) {
    process.stderr.write(` failed after ${seconds()}\n`);
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n\n→ ${ifItFails}`, { cause });
  }
}

/**
 * Runs a command that takes no arguments; it ends with what went wrong and what to do, without a stack trace. An
 * argument is refused, because whoever asks `down.ts` for `--help` does not want the cluster to go.
 */
export async function main(work: () => Promise<void>): Promise<void> {
  try {
    const [argument] = process.argv.slice(2);
    if (argument !== undefined) throw new Error(`${argument}: this takes no arguments; see make help`);
    await work();
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
