import { describe, expect, test } from '@jest/globals';
import { problemOf } from './problem.ts';
import { announcementOf, atFirst, sessionAfter } from './session.ts';
import type { Session } from './session.ts';

const user = { id: 'u1', email: 'ada@example.com', roles: ['user'], createdAt: '2026-01-02T03:04:05.000Z' };
const signedIn: Session = { state: 'signedIn', user, since: 'signIn' };
const signedOut: Session = { state: 'signedOut', because: 'signedOut' };

describe('who is here', () => {
  test('is not decided before the service has answered', () => {
    expect(atFirst.state).toBe('asking');
    const problem = problemOf('UNREACHABLE');
    expect(sessionAfter(atFirst, { type: 'unanswered', problem })).toEqual({
      state: 'unknown',
      problem,
      retrying: false,
    });
  });

  test('is nobody, or who had signed in before', () => {
    expect(sessionAfter(atFirst, { type: 'found', user: null })).toMatchObject({ state: 'signedOut' });
    expect(sessionAfter(atFirst, { type: 'found', user })).toEqual({ state: 'signedIn', user, since: 'before' });
  });

  test('can be asked again when there was no answer', () => {
    const unknown = sessionAfter(atFirst, { type: 'unanswered', problem: problemOf('UNREACHABLE') });
    const retrying = sessionAfter(unknown, { type: 'asked' });
    expect(retrying).toMatchObject({ state: 'unknown', retrying: true });
    expect(sessionAfter(retrying, { type: 'found', user })).toEqual({ state: 'signedIn', user, since: 'askedAgain' });
  });

  test.each([signedIn, signedOut])('is not changed by an answer that comes late', (session) => {
    expect(sessionAfter(session, { type: 'found', user: null })).toBe(session);
    expect(sessionAfter(session, { type: 'unanswered', problem: problemOf('UNREACHABLE') })).toBe(session);
  });

  test('ends by signing out, and when the session has expired', () => {
    expect(sessionAfter(signedIn, { type: 'left' })).toEqual(signedOut);
    expect(sessionAfter(signedIn, { type: 'expired' })).toEqual({ state: 'signedOut', because: 'expired' });
  });

  test('stays signed out when a late request finds the session expired', () => {
    expect(sessionAfter(signedOut, { type: 'expired' })).toBe(signedOut);
  });
});

describe('what is announced', () => {
  test('is silence until something has changed', () => {
    expect(announcementOf(atFirst)).toBe('');
    expect(announcementOf(sessionAfter(atFirst, { type: 'found', user }))).toBe('');
    expect(announcementOf(sessionAfter(atFirst, { type: 'found', user: null }))).toBe('');
  });

  test('tells a sign-up, a sign-in, a sign-out and an ended session apart', () => {
    const texts = [
      sessionAfter(signedOut, { type: 'entered', user, by: 'signUp' }),
      sessionAfter(signedOut, { type: 'entered', user, by: 'signIn' }),
      sessionAfter(signedIn, { type: 'left' }),
      sessionAfter(signedIn, { type: 'expired' }),
    ].map(announcementOf);
    expect(new Set(texts).size).toBe(4);
  });
});
