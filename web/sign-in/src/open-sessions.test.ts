import { problemOf } from '@authstack/page/problem.ts';
import { describe, expect, test } from '@jest/globals';
import { openSessionsAfter, unknownSessions } from './open-sessions.ts';
import type { OpenSessions, OpenSessionsEvent } from './open-sessions.ts';

const session = (id: string, day: number, current = false) => ({
  id,
  openedAt: '2026-01-01T00:00:00.000Z',
  lastUsedAt: `2026-01-0${day}T00:00:00.000Z`,
  current,
});
const [old, present, recent] = [session('old', 2), session('present', 3, true), session('recent', 4)];
const problem = problemOf('UNREACHABLE');

const after = (...events: OpenSessionsEvent[]): OpenSessions => events.reduce(openSessionsAfter, unknownSessions);
const loaded: OpenSessionsEvent = { type: 'loaded', sessions: [old, present, recent] };

describe('the open sessions', () => {
  test('are listed with the present one first, then as they were used', () => {
    expect(after(loaded)).toMatchObject({ sessions: [present, recent, old] });
  });

  test('lack the one that was ended, and remember it', () => {
    expect(after(loaded, { type: 'ended', session: recent })).toEqual({
      state: 'loaded',
      sessions: [present, old],
      lastEnded: recent,
    });
  });

  test('that cannot be loaded are a problem, and a retry is visible', () => {
    expect(after({ type: 'failed', problem })).toEqual({ state: 'failed', problem, retrying: false });
    expect(after({ type: 'failed', problem }, { type: 'retried' })).toMatchObject({ retrying: true });
  });

  test('stay when they cannot be loaded again', () => {
    expect(after(loaded, { type: 'failed', problem })).toEqual(after(loaded));
  });
});
