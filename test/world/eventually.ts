import { setTimeout as pause } from 'node:timers/promises';

export interface Within {
  /** Seconds. The budget of the promise, stretched by SLOWNESS for machines with few cores. */
  readonly within: number;
}

/**
 * How much longer everything may take on the machine that runs this than the product promises. Two cores carry four
 * Kubernetes nodes, three databases and the test itself here; the promises are measured apart from this, in bench/.
 */
export const SLOWNESS = 3;

/** Thrown by a look that no other look would change. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

/** Repeats `look` until it does not throw; its last error is the failure, and so is a GivenUp at once. */
export async function eventually<T>(look: () => Promise<T>, { within }: Within): Promise<T> {
  const end = performance.now() + within * SLOWNESS * 1000;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (error instanceof GivenUp || performance.now() > end) throw error;
      await pause(500);
    }
  }
}
