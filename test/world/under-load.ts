import { expect } from '@jest/globals';
import { SLOWNESS } from './eventually.ts';
import { RecordingClient } from './recording-client.ts';
import type { WriteReport } from './recording-client.ts';
import type { World } from './world.ts';
import type { Stack, StackOptions } from './stack.ts';

/** The promise after a primary died, in milliseconds, on a machine of the promised size. */
const WRITABLE_WITHIN = 10_000;

export interface Loaded {
  readonly stack: Stack;
  readonly recorder: RecordingClient;
  /** Waits, for so many seconds at most, until every member is healthy. */
  readonly becomesHealthy: (within?: number) => Promise<void>;
}

/**
 * Runs the events while a client writes and reads, and checks what the database promises: no acknowledged write is missing, in
 * between or at the end, and no gap between acknowledged writes is longer than `gap` times the promise for one lost primary.
 */
export async function underLoad(
  world: World,
  { gap = 1, ...options }: StackOptions & { readonly gap?: number },
  events: (loaded: Loaded) => Promise<void>,
): Promise<WriteReport> {
  const stack = await world.createStack({ replicas: 1, ...options });
  await stack.becomes('DatabaseReady=True/AllMembersHealthy', { within: 120 });
  await using recorder = await RecordingClient.start(stack);
  const becomesHealthy = async (within = 60): Promise<void> => {
    await stack.becomes('DatabaseReady=True/AllMembersHealthy', { within });
  };
  await events({ stack, recorder, becomesHealthy });
  const report = await recorder.end();
  world.note(report);
  expect(report.lost).toEqual([]);
  expect(report.acknowledged).toBeGreaterThan(50);
  expect(report.longestGap).toBeLessThan(gap * WRITABLE_WITHIN * SLOWNESS);
  return report;
}
