import { problemOf } from '@authstack/page/problem.ts';
import { expect, test } from '@jest/globals';
import { formErrorsOf, missingFields } from './credentials.ts';

test('empty fields are reported without asking the service', () => {
  expect(missingFields({ email: ' ', password: '' })?.fields.map(({ field }) => field)).toEqual(['email', 'password']);
  expect(missingFields({ email: 'ada@example.com', password: 'x' })).toBeUndefined();
});

test('an error of a field is shown beside the field, and there only', () => {
  const fields = [{ field: 'email', code: 'EMAIL_TAKEN', message: 'is taken' }];
  expect(formErrorsOf({ code: 'EMAIL_TAKEN', status: 409, fields })).toEqual({
    fields: { email: 'This email address already has an account. Sign in instead.' },
  });
});

test('of several errors of a field the first is shown', () => {
  const fields = [
    { field: 'password', code: 'REQUIRED', message: 'is required' },
    { field: 'password', code: 'TOO_SHORT', message: 'is too short' },
  ];
  expect(formErrorsOf({ code: 'VALIDATION_FAILED', status: 400, fields }).fields.password).toBe('Enter your password.');
});

test('an error of a field that the form does not have is shown above the button', () => {
  const fields = [{ field: 'body', code: 'WRONG_TYPE', message: 'must be a JSON object' }];
  expect(formErrorsOf({ code: 'VALIDATION_FAILED', status: 400, fields }).form).toBe('Check what you entered.');
  expect(formErrorsOf(problemOf('INVALID_CREDENTIALS')).form).toBe('The email address or the password is wrong.');
});

test('a dead end keeps its title', () => {
  expect(formErrorsOf(problemOf('USER_BANNED', { status: 403 })).form).toMatchObject({
    title: 'This account is banned.',
  });
});
