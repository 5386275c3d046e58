import { expect, test } from '@jest/globals';
import { bytesOf } from '../../api/quantity.ts';
import { grown } from './volume-size.ts';
import fc from 'fast-check';

test.each([
  ['10Gi', '100Gi', '15Gi'],
  ['13Gi', '20G', '18Gi'],
  ['10Gi', '12Gi', '12Gi'],
  ['10Gi', '10Gi', '10Gi'],
  ['10Gi', '5Gi', '10Gi'],
  ['10Gi', '10.5Gi', '10Gi'],
  ['1Mi', '1.5Mi', '1Mi'],
])('a volume of %s whose limit is %s grows to %s', (size, maxSize, wanted) => {
  expect(grown(size, maxSize)).toBe(wanted);
});

const unit = fc.constantFrom('M', 'G', 'T', 'Mi', 'Gi', 'Ti');
const size = fc
  .tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 9 }), unit)
  .map(([whole, tenth, suffix]) => `${whole}.${tenth}${suffix}`);

test('no volume grows beyond its limit, and none shrinks', () => {
  fc.assert(
    fc.property(size, size, (before, maxSize) => {
      const bytes = bytesOf(grown(before, maxSize));
      expect(bytes).toBeGreaterThanOrEqual(bytesOf(before));
      expect(bytes).toBeLessThanOrEqual(Math.max(bytesOf(before), bytesOf(maxSize)));
    }),
  );
});

test('a volume that may grow by half does', () => {
  fc.assert(
    fc.property(size, (before) => {
      expect(bytesOf(grown(before, '1000000Ti'))).toBeGreaterThanOrEqual(1.5 * bytesOf(before));
    }),
  );
});
