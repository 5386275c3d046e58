import { ServiceError } from '@authstack/http-service/errors';

interface Outcomes {
  inc(labels: { outcome: string }): void;
}

/** Counts how the work ends: `done`, the code of a problem, or `failed`. */
export async function counted<T>(counter: Outcomes, { done }: { done: string }, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    counter.inc({ outcome: done });
    return result;
  } catch (error) {
    counter.inc({ outcome: error instanceof ServiceError ? error.code.toLowerCase() : 'failed' });
    throw error;
  }
}
