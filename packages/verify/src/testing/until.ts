import { setTimeout as pause } from 'node:timers/promises';

/** Waits for a condition; the test fails when it does not come. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited 20 s in vain until ${what}`);
    await pause(10);
  }
}
