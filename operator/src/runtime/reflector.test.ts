import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nextState, pauseAfter } from './reflector.ts';
import type { ReflectorOutcome, ReflectorState } from './reflector.ts';

const watching: ReflectorState = { type: 'watch', resourceVersion: '7', failures: 0 };

test.each<[string, ReflectorState, ReflectorOutcome, ReflectorState]>([
  [
    'after a list it watches from there',
    { type: 'list', failures: 3 },
    { type: 'listed', resourceVersion: '9' },
    { type: 'watch', resourceVersion: '9', failures: 3 },
  ],
  [
    'a watch that stood ends the row of failures',
    { ...watching, failures: 3 },
    { type: 'ended', resourceVersion: '9' },
    { ...watching, resourceVersion: '9' },
  ],
  [
    'a watch that broke after it had stood is the first of a new row',
    { ...watching, failures: 4 },
    { type: 'failed', resourceVersion: '8', stood: true },
    { type: 'watch', resourceVersion: '8', failures: 1 },
  ],
  [
    'a list that failed is tried again',
    { type: 'list', failures: 0 },
    { type: 'failed' },
    { type: 'list', failures: 1 },
  ],
  [
    'a watch that broke continues where it was',
    watching,
    { type: 'failed', resourceVersion: '8' },
    { type: 'watch', resourceVersion: '8', failures: 1 },
  ],
  ['what the server has forgotten is listed anew', watching, { type: 'expired' }, { type: 'list', failures: 1 }],
  [
    'a watch that fails on and on is given up for a list',
    { ...watching, failures: 4 },
    { type: 'failed' },
    { type: 'list', failures: 5 },
  ],
])('%s', (_law, ...[state, outcome, next]) => {
  expect(nextState(state, outcome)).toEqual(next);
});

test('a server that asks for a longer pause gets it, up to five minutes', () => {
  const pause = (retryAfter: number): number =>
    pauseAfter({ type: 'failed', retryAfter }, { type: 'list', failures: 1 }, () => 0.5);
  expect(pause(20_000)).toBe(20_000);
  expect(pause(0)).toBe(600);
  expect(pause(86_400_000)).toBe(300_000);
});

test('no run of failures makes it ask without a pause, or pause longer than 30 s', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failures, random) => {
        const pause = pauseAfter({ type: 'failed' }, { type: 'list', failures }, () => random);
        expect(pause).toBeGreaterThanOrEqual(400);
        expect(pause).toBeLessThanOrEqual(30_000);
      },
    ),
  );
});
