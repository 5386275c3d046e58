import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytesOf, sizeAtLeast, sizeAtMost } from './quantity.ts';

test.each([
  ['10Gi', 10 * 2 ** 30],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['20G', 20e9],
  ['500M', 500e6],
  ['1e9', 1e9],
  ['1500m', 1.5],
])('%s is %d bytes', (text, bytes) => {
  expect(bytesOf(text)).toBe(bytes);
});

test.each(['', 'Gi', '10GiB', '10 Gi', '-1Gi', '1.2.3', 'ten'])('%j is no quantity', (text) => {
  expect(bytesOf(text)).toBeNaN();
});

test('sizes are in whole gibibytes from ten on, and in whole mebibytes below', () => {
  expect([sizeAtLeast(18.2 * 2 ** 30), sizeAtMost(18.7 * 2 ** 30)]).toEqual(['19Gi', '18Gi']);
  expect([sizeAtLeast(2.5 * 2 ** 20), sizeAtMost(2.5 * 2 ** 20)]).toEqual(['3Mi', '2Mi']);
});

test('rounding up is never smaller than asked, rounding down never larger, and whole sizes stay as they are', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 2 ** 52, noNaN: true }), (bytes) => {
      const [up, down] = [sizeAtLeast(bytes), sizeAtMost(bytes)];
      expect(bytesOf(up)).toBeGreaterThanOrEqual(bytes);
      expect(bytesOf(down)).toBeLessThanOrEqual(bytes);
      expect(bytesOf(sizeAtMost(bytesOf(up)))).toBe(bytesOf(up));
      expect(bytesOf(sizeAtLeast(bytesOf(down)))).toBe(bytesOf(down));
    }),
  );
});
