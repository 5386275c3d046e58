import { expect, test } from '@jest/globals';
import { complaintsOf, missingFields } from './credentials.ts';
import { problemOf } from './problem.ts';

test('empty fields are told without asking the service', () => {
  expect(missingFields({ email: ' ', password: '' })?.fields.map(({ field }) => field)).toEqual(['email', 'password']);
  expect(missingFields({ email: 'ada@example.com', password: 'x' })).toBeUndefined();
});

test('a problem of a field stands beside the field, and there only', () => {
  const fields = [{ field: 'email', code: 'EMAIL_TAKEN', message: 'is taken' }];
  expect(complaintsOf({ code: 'EMAIL_TAKEN', status: 409, fields })).toEqual({
    fields: { email: 'This email address has an account already. Sign in instead.' },
  });
});

test('of several complaints about a field the first is shown', () => {
  const fields = [
    { field: 'password', code: 'REQUIRED', message: 'is required' },
    { field: 'password', code: 'TOO_SHORT', message: 'is too short' },
  ];
  expect(complaintsOf({ code: 'VALIDATION_FAILED', status: 400, fields }).fields.password).toBe('Enter your password.');
});

test('a problem of a field that the form does not have stands above the form', () => {
  const fields = [{ field: 'body', code: 'WRONG_TYPE', message: 'must be a JSON object' }];
  expect(complaintsOf({ code: 'VALIDATION_FAILED', status: 400, fields }).form).toBe('Please check what you entered.');
  expect(complaintsOf(problemOf('INVALID_CREDENTIALS')).form).toBe('Email or password is wrong.');
});
