import { expect, test } from '@jest/globals';
import { priceText } from './price.ts';

test.each([
  [{ amount: 4250, currency: 'EUR' }, '€42.50'],
  [{ amount: 500, currency: 'JPY' }, '¥500'],
  [{ amount: 7, currency: 'tokens' }, '7 tokens'],
])('%j reads %s', (price, text) => {
  expect(priceText(price, 'en')).toBe(text);
});
