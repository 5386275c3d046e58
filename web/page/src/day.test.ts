import { expect, test } from '@jest/globals';
import { dayText } from './day.ts';

test('a day is written out, and what is not a time is shown as it is', () => {
  expect(dayText('2026-01-02T12:00:00.000Z', 'en')).toBe('January 2, 2026');
  expect(dayText('soon', 'en')).toBe('soon');
});
