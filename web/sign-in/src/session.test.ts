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

  test('ends when the service refuses it', () => {
    expect(sessionAfter(signedIn, { type: 'ended' })).toEqual({ state: 'signedOut', because: 'ended' });
    expect(sessionAfter(signedOut, { type: 'ended' })).toBe(signedOut);
  });
});

const other = { ...user, id: 'u2' };

describe('another look at the session', () => {
  const checked = (before: Session, seen: typeof user | null) =>
    sessionAfter(before, { type: 'checked', before, user: seen });

  test('finds it ended elsewhere', () => {
    expect(checked(signedIn, null)).toEqual({ state: 'signedOut', because: 'ended' });
  });

  test('finds it begun elsewhere, or another user in its place', () => {
    expect(checked(signedOut, user)).toEqual({ state: 'signedIn', user, because: 'elsewhere' });
    expect(checked(signedIn, other)).toEqual({ state: 'signedIn', user: other, because: 'elsewhere' });
  });

  test('changes nothing where nothing has changed', () => {
    expect(checked(signedIn, { ...user })).toBe(signedIn);
    expect(checked(signedOut, null)).toBe(signedOut);
  });

  test('is the first look where there was none', () => {
    expect(checked(initialSession, null)).toEqual({ state: 'signedOut', because: 'initial' });
  });

  test.each([
    [signedOut, signedIn, null],
    [signedIn, signedOut, user],
  ])('is too late when the visitor has signed in or out since', (before, now, seen) => {
    expect(sessionAfter(now, { type: 'checked', before, user: seen })).toBe(now);
  });
});

describe('what is announced', () => {
  test('is nothing until something has changed', () => {
    expect(announcementOf(initialSession)).toBeUndefined();
    expect(announcementOf(sessionAfter(initialSession, { type: 'loaded', user }))).toBeUndefined();
    expect(announcementOf(sessionAfter(initialSession, { type: 'loaded', user: null }))).toBeUndefined();
  });

  const changes: readonly [string, Session, 'success' | 'notice'][] = [
    ['a sign-up', sessionAfter(signedOut, { type: 'signedIn', user, by: 'signUp' }), 'success'],
    ['a sign-in', sessionAfter(signedOut, { type: 'signedIn', user, by: 'signIn' }), 'success'],
    ['a sign-out', sessionAfter(signedIn, { type: 'signedOut' }), 'success'],
    ['a sign-out everywhere', sessionAfter(signedIn, { type: 'signedOutEverywhere' }), 'success'],
    ['a session that has ended', sessionAfter(signedIn, { type: 'ended' }), 'notice'],
    ['a sign-in elsewhere', sessionAfter(signedOut, { type: 'checked', before: signedOut, user }), 'notice'],
  ];

  test.each(changes)('is the tone of %s', (_what, session, tone) => {
    expect(announcementOf(session)?.tone).toBe(tone);
  });

  test('differs for each change', () => {
    const texts = changes.map(([, session]) => announcementOf(session)?.text);
    expect(new Set(texts).size).toBe(changes.length);
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
