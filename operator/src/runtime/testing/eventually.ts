import { setTimeout as pause } from 'node:timers/promises';

/** Looks until it no longer throws, for at most 20 s unless it says otherwise; the last error is the failure. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { within = 20_000, every = 20 }: { readonly within?: number; readonly every?: number } = {},
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > end) throw error;
      await pause(every);
    }
  }
}
