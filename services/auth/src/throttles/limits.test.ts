import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { delayAfter, delays, SIGN_IN_POINTS, windows } from './limits.ts';

test.each(Object.entries(windows))('shares make up a whole window of %s', (_, { points, share }) => {
  expect(points % share).toBe(0);
});

test('what one sign-in costs fits a share of its window', () => {
  expect(windows.sign_in.share).toBeGreaterThanOrEqual(SIGN_IN_POINTS);
});

test.each(Object.entries(delays))('the delay of %s grows and never exceeds its longest', (_, policy) => {
  fc.assert(
    fc.property(fc.nat(2_000), (failures) => {
      const [now, next] = [delayAfter(failures, policy), delayAfter(failures + 1, policy)];
      expect(now).toBeGreaterThanOrEqual(policy.firstSeconds);
      expect(next).toBeGreaterThanOrEqual(now);
      expect(next).toBeLessThanOrEqual(policy.longestSeconds);
    }),
  );
  expect(delayAfter(policy.free, policy)).toBe(policy.firstSeconds);
  expect(delayAfter(policy.free + 1, policy)).toBe(policy.firstSeconds * 2);
  expect(delayAfter(2_000, policy)).toBe(policy.longestSeconds);
});

test('a stranger of one network hardly takes the turns that the owner of a new device needs', () => {
  const { address_on_account: stranger, account } = delays;
  // What a whole day of one network's guesses adds to the account, against one turn a minute.
  expect(86_400 / stranger.longestSeconds).toBeLessThan((86_400 / account.longestSeconds) * 0.1);
});
