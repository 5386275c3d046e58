import { problemOf } from '@authstack/page/problem.ts';
import { expect, test } from '@jest/globals';
import { deadEndOf, fieldMessageFor, newPasswordHint } from './messages.ts';

test.each([
  ['email', 'EMAIL_TAKEN', 'This email address already has an account. Sign in instead.'],
  ['password', 'TOO_SHORT', 'Password must have at least 8 characters.'],
  ['nickname', 'TOO_SHORT', 'nickname must have at least 8 characters.'],
])('%s %s has a text beside its field', (field, code, text) => {
  expect(fieldMessageFor({ field, code, message: 'must have at least 8 characters' })).toBe(text);
});

test('the rule for a new password is shown before it is broken', () => {
  expect(newPasswordHint(12)).toBe('At least 12 characters. Best is a long phrase that you use nowhere else.');
  expect(newPasswordHint(undefined)).toBe('Best is a long phrase that you use nowhere else.');
});

test.each(['USER_BANNED', 'USER_DISABLED'])('%s is a dead end that says who can change it', (code) => {
  expect(deadEndOf(problemOf(code))?.text).toContain('administrator');
});

test.each(['INVALID_CREDENTIALS', 'OVERLOADED', 'NEW'])('%s is none, for another attempt may succeed', (code) => {
  expect(deadEndOf(problemOf(code))).toBeUndefined();
});
