import { expect, test } from '@jest/globals';
import { rolesText } from './roles.ts';

test.each([
  [[], undefined],
  [['user'], undefined],
  [['user', 'admin'], 'Administrator'],
  [['auditor'], 'auditor'],
])('%j reads %s', (roles, text) => {
  expect(rolesText(roles)).toBe(text);
});
