import { expect, test } from '@jest/globals';
import { readCurrentUser } from './replies.ts';

const user = { id: 'u1', email: 'ada@example.com', roles: ['user'], createdAt: '2026-01-02T03:04:05.000Z' };

test('a visitor and a signed-in user are distinguished', () => {
  expect(readCurrentUser({ currentUser: null })).toEqual({ user: null });
  expect(readCurrentUser({ currentUser: user })).toEqual({ user });
});

test.each([[null], ['nobody'], [{}], [{ currentUser: undefined }], [{ currentUser: { ...user, email: 1 } }]])(
  '%j does not say who is signed in',
  (body) => {
    expect(readCurrentUser(body)).toBeUndefined();
  },
);
