import { setTimeout as pause } from 'node:timers/promises';

/** Looks until it no longer throws, for at most 20 s; the last error is the failure. */
export async function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > end) throw error;
      await pause(20);
    }
  }
}
