import { expect, test } from '@jest/globals';
import { fieldMessageFor, messageFor } from './messages.ts';
import { problemOf } from './problem.ts';

test('a known code has its own text, whatever the detail', () => {
  expect(messageFor(problemOf('SOLD_OUT', { detail: 'ticket t1 has none left' }))).toBe('This ticket is sold out.');
});

test('an unknown code is told in the words of the service', () => {
  expect(messageFor(problemOf('NEW_CODE', { detail: 'the venue is closed' }))).toBe('the venue is closed');
});

test('an unknown code without a detail still gets a sentence', () => {
  expect(messageFor(problemOf('NEW_CODE'))).toBe('Something went wrong. Please try again.');
});

test.each([
  ['email', 'EMAIL_TAKEN', 'This email address has an account already. Sign in instead.'],
  ['password', 'TOO_SHORT', 'Password must have at least 8 characters.'],
  ['nickname', 'TOO_SHORT', 'nickname must have at least 8 characters.'],
])('%s %s beside the field', (field, code, text) => {
  expect(fieldMessageFor({ field, code, message: 'must have at least 8 characters' })).toBe(text);
});
