import { expect, test } from '@jest/globals';
import { dayText, priceText } from './format.ts';

test.each([
  [{ amount: 4250, currency: 'EUR' }, '€42.50'],
  [{ amount: 500, currency: 'JPY' }, '¥500'],
  [{ amount: 7, currency: 'tokens' }, '7 tokens'],
])('%j reads %s', (price, text) => {
  expect(priceText(price, 'en')).toBe(text);
});

test('a day is written out, and what is no time is left as it is', () => {
  expect(dayText('2026-01-02T12:00:00.000Z', 'en')).toBe('January 2, 2026');
  expect(dayText('soon', 'en')).toBe('soon');
});
