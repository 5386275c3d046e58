import { expect, test } from '@jest/globals';
import { dayText, timeText } from './day.ts';

test('a day is written out, and what is not a time is shown as it is', () => {
  expect(dayText('2026-01-02T12:00:00.000Z', 'en')).toBe('January 2, 2026');
  expect(dayText('soon', 'en')).toBe('soon');
});

test('a time has its day, and what is not a time is shown as it is', () => {
  const time = new Date(2026, 0, 2, 9, 5).toISOString();
  expect(timeText(time, 'en-GB')).toBe('2 Jan 2026, 09:05');
  expect(timeText('soon', 'en')).toBe('soon');
});
