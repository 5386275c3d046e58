import { problemOf } from '@authstack/page/problem.ts';
import { describe, expect, test } from '@jest/globals';
import { announcementOf, initialSession, leavesAtOnce, sessionAfter } from './session.ts';
import type { Session } from './session.ts';

const user = { id: 'u1', email: 'ada@example.com', roles: ['user'], createdAt: '2026-01-02T03:04:05.000Z' };
const signedIn: Session = { state: 'signedIn', user, because: 'signIn' };
const signedOut: Session = { state: 'signedOut', because: 'signedOut' };
const problem = problemOf('UNREACHABLE');

describe('the session', () => {
  test('is not decided before the service has answered', () => {
    expect(initialSession.state).toBe('loading');
    expect(sessionAfter(initialSession, { type: 'loadFailed', problem })).toEqual({
      state: 'unknown',
      problem,
      retrying: false,
    });
  });

  test('is what the service answers first', () => {
    expect(sessionAfter(initialSession, { type: 'loaded', user: null })).toMatchObject({ state: 'signedOut' });
    expect(sessionAfter(initialSession, { type: 'loaded', user })).toMatchObject({ state: 'signedIn', user });
  });

  test('can be loaded again when there was no answer', () => {
    const unknown = sessionAfter(initialSession, { type: 'loadFailed', problem });
    const retrying = sessionAfter(unknown, { type: 'retried' });
    expect(retrying).toMatchObject({ state: 'unknown', retrying: true });
    expect(sessionAfter(retrying, { type: 'loaded', user })).toEqual({ state: 'signedIn', user, because: 'retried' });
  });

  test.each([signedIn, signedOut])('is not changed by a late answer', (session) => {
    expect(sessionAfter(session, { type: 'loaded', user: null })).toBe(session);
    expect(sessionAfter(session, { type: 'loadFailed', problem })).toBe(session);
  });

  test('ends by signing out', () => {
    expect(sessionAfter(signedIn, { type: 'signedOut' })).toEqual(signedOut);
  });
});

describe('what is announced', () => {
  test('is nothing until something has changed', () => {
    expect(announcementOf(initialSession)).toBe('');
    expect(announcementOf(sessionAfter(initialSession, { type: 'loaded', user }))).toBe('');
    expect(announcementOf(sessionAfter(initialSession, { type: 'loaded', user: null }))).toBe('');
  });

  test('differs for a sign-up, a sign-in and a sign-out', () => {
    const texts = [
      sessionAfter(signedOut, { type: 'signedIn', user, by: 'signUp' }),
      sessionAfter(signedOut, { type: 'signedIn', user, by: 'signIn' }),
      sessionAfter(signedIn, { type: 'signedOut' }),
    ].map(announcementOf);
    expect(new Set(texts).size).toBe(3);
  });
});

test('only a sign-in or a sign-up leads away from the page', () => {
  const initial = sessionAfter(initialSession, { type: 'loaded', user });
  const bySignUp = sessionAfter(signedOut, { type: 'signedIn', user, by: 'signUp' });
  expect([initialSession, signedOut, initial, signedIn, bySignUp].map(leavesAtOnce)).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
});
