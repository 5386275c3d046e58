import { expect, test } from '@jest/globals';
import { fieldMessageFor } from './messages.ts';

test.each([
  ['email', 'EMAIL_TAKEN', 'This email address already has an account. Sign in instead.'],
  ['password', 'TOO_SHORT', 'Password must have at least 8 characters.'],
  ['nickname', 'TOO_SHORT', 'nickname must have at least 8 characters.'],
])('%s %s has a text beside its field', (field, code, text) => {
  expect(fieldMessageFor({ field, code, message: 'must have at least 8 characters' })).toBe(text);
});
