import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { delayAfter } from './reconnect.ts';

test('after a steady stream the next attempt is made at once, and by many not at the same moment', () => {
  expect([delayAfter(0, 0), delayAfter(0, 0.5), delayAfter(0, 1)]).toEqual([0, 50, 100]);
});

test('each further failure doubles the delay, up to a bound', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 1_000].map((failures) => delayAfter(failures, 1))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000,
  ]);
});

test('no delay is nothing after a failure, none is longer than five seconds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const delay = delayAfter(failures, random);
      return delay >= 125 && delay <= 5_000;
    }),
  );
});
