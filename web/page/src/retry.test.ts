import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { retryOf, whenText } from './retry.ts';

const NOW = Date.UTC(2026, 0, 2, 12, 0, 0);

test.each([
  ['seconds', '120', 120],
  ['a date', 'Fri, 02 Jan 2026 12:01:00 GMT', 60],
  ['a second', ' 1 ', 1],
])('Retry-After may be %s', (_what, header, afterSeconds) => {
  expect(retryOf(header, NOW)).toEqual({ afterSeconds, at: NOW + afterSeconds * 1000 });
});

test.each([
  ['nothing', null],
  ['no time at all', '0'],
  ['a date that has passed', 'Fri, 02 Jan 2026 11:59:00 GMT'],
  ['a fraction', '1.5'],
  ['a negative number', '-5'],
  ['words', 'soon'],
  ['a number beyond all reason', '99999999999'],
])('%s asks for no wait', (_what, header) => {
  expect(retryOf(header, NOW)).toBeUndefined();
});

const timeOf = (at: number): string => new Date(at).toLocaleTimeString('en', { timeStyle: 'short' });

test.each([
  [1, 'in 1 second'],
  [45, 'in 45 seconds'],
  [90, `in 2 minutes, at ${timeOf(NOW + 120_000)}`],
  [3_599, `in 60 minutes, at ${timeOf(NOW + 3_600_000)}`],
  [5_400, `in 2 hours, at ${timeOf(NOW + 5_400_000)}`],
  [86_400, 'in 1 day'],
])('%i seconds in words', (afterSeconds, text) => {
  expect(whenText({ afterSeconds, at: NOW + afterSeconds * 1000 }, 'en')).toBe(text);
});

test('whoever waits as long as the words say has waited long enough', () => {
  const inSeconds = { second: 1, minute: 60, hour: 3_600, day: 86_400 };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), (afterSeconds) => {
      const [, count = '', unit = ''] = /^in (\d+) ([a-z]+?)s?\b/.exec(whenText({ afterSeconds, at: NOW }, 'en')) ?? [];
      expect(Number(count) * inSeconds[unit as keyof typeof inSeconds]).toBeGreaterThanOrEqual(afterSeconds);
    }),
  );
});

test('without a time it is a moment', () => {
  expect(whenText(undefined)).toBe('in a moment');
});
