import { expect } from '@jest/globals';
import type { Outcome, Restarts } from './restarts.ts';

/** What a rolling update promises. Each client is answered by each of the `times` processes while that one drains. */
export function expectNothingLost(
  { answers, lost, whileDraining, exits }: Outcome,
  { clients, times, status }: Pick<Restarts, 'clients' | 'times'> & { readonly status: number },
): void {
  expect(lost).toEqual([]);
  expect(whileDraining.keepConnection).toBe(0);
  expect(whileDraining.endConnection).toBeGreaterThanOrEqual(times * clients);
  expect(exits).toEqual(Array(times).fill([0, null]));
  expect(Object.keys(answers)).toEqual([String(status)]);
}
