import { expect, test } from '@jest/globals';
import type { Session } from '../sessions/session.ts';
import type { Email } from '../users/email.ts';
import type { User } from '../users/user.ts';
import { whyNoToken } from './may-hold-token.ts';
import type { Claim } from './may-hold-token.ts';

const now = 1_000_000;
const user: User = {
  id: 'u1',
  email: 'jo@example.com' as Email,
  roles: ['user'],
  banned: false,
  disabled: false,
  ver: 3,
  sessionsFrom: 2,
  createdAt: new Date(0),
};
const session: Session = {
  id: 's1',
  userId: 'u1',
  ver: 2,
  delivery: 'cookie',
  openedAt: 0,
  lastUsedAt: 0,
  asOf: now,
  expiresAt: now + 10,
  idleExpiresAt: now + 1,
};

test('a good user with an open session and a token of the current ver holds it', () => {
  expect(whyNoToken({ user, session, ver: 3 })).toBeUndefined();
  expect(whyNoToken({ user, session })).toBeUndefined();
});

const refused: readonly [string, Partial<Claim>, string][] = [
  ['a deleted user', { user: undefined }, 'UserGone'],
  ['a banned user', { user: { ...user, banned: true } }, 'UserBanned'],
  ['a disabled user', { user: { ...user, disabled: true } }, 'UserDisabled'],
  ['no session', { session: undefined }, 'SessionGone'],
  ["somebody else's session", { session: { ...session, userId: 'u2' } }, 'SessionGone'],
  ['an ended session', { session: { ...session, endedAt: 5 } }, 'SessionEnded'],
  ['a session past its absolute end', { session: { ...session, expiresAt: now } }, 'SessionEnded'],
  ['an idle session', { session: { ...session, idleExpiresAt: now } }, 'SessionEnded'],
  ['a session from before a sign-out everywhere', { session: { ...session, ver: 1 } }, 'SessionEnded'],
  ['a token from before a change of the user', { ver: 2 }, 'TokenSuperseded'],
];

test.each(refused)('%s holds none', (_what, change, refusal) => {
  expect(whyNoToken({ user, session, ver: 3, ...change })).toBe(refusal);
});
