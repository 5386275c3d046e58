import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { durationMillis, durationText } from './duration.ts';

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['30d', 2_592_000_000],
  ['2w1d', 1_296_000_000],
])('%s is %d ms', (text, millis) => {
  expect(durationMillis(text)).toBe(millis);
});

test.each(['', 'm', '5', '30m1h', '1.5h', '-5m', '5M', '1h 30m', '1000w', '99999999999999999999s'])(
  '%j is refused',
  (text) => {
    expect(() => durationMillis(text)).toThrow(RangeError);
  },
);

test('every length of whole seconds is read back from its own text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 * 365 * 86_400 }), (seconds) => {
      expect(durationMillis(durationText(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
});
