import type { Problem } from '@authstack/page/problem.ts';
import type { OpenSession } from './replies.ts';

/** The user's sessions, as far as the page knows them. While they are loaded again, what was there stays. */
export type OpenSessions =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly problem: Problem; readonly retrying: boolean }
  | { readonly state: 'loaded'; readonly sessions: readonly OpenSession[]; readonly lastEnded?: OpenSession };

export type OpenSessionsEvent =
  | { readonly type: 'retried' }
  | { readonly type: 'loaded'; readonly sessions: readonly OpenSession[] }
  | { readonly type: 'failed'; readonly problem: Problem }
  /** It has ended, by the visitor or before. */
  | { readonly type: 'ended'; readonly session: OpenSession };

export const unknownSessions: OpenSessions = { state: 'loading' };

export function openSessionsAfter(current: OpenSessions, event: OpenSessionsEvent): OpenSessions {
  switch (event.type) {
    case 'retried':
      return current.state === 'failed' ? { ...current, retrying: true } : current;
    case 'loaded':
      return { state: 'loaded', sessions: event.sessions.toSorted(byUse) };
    case 'failed':
      return current.state === 'loaded' ? current : { state: 'failed', problem: event.problem, retrying: false };
    case 'ended':
      return current.state === 'loaded' ? without(current.sessions, event.session) : current;
  }
}

function without(sessions: readonly OpenSession[], ended: OpenSession): OpenSessions {
  return { state: 'loaded', sessions: sessions.filter(({ id }) => id !== ended.id), lastEnded: ended };
}

/** The present one, then the one that was used last; among equals by id. */
function byUse(a: OpenSession, b: OpenSession): number {
  return Number(b.current) - Number(a.current) || compare(b.lastUsedAt, a.lastUsedAt) || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
