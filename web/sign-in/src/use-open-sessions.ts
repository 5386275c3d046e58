import { oneAtATime } from '@authstack/page/one-at-a-time.ts';
import type { Problem } from '@authstack/page/problem.ts';
import type { SessionChanges } from '@authstack/page/session-changes.ts';
import { useCallback, useEffect, useMemo, useReducer } from 'react';
import type { Api } from './api.ts';
import { openSessionsAfter, unknownSessions } from './open-sessions.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { OpenSession } from './replies.ts';

export interface OpenSessionsControl {
  readonly sessions: OpenSessions;
  readonly retry: () => void;
  /** Resolves to what prevented it, if anything did. */
  readonly end: (session: OpenSession) => Promise<Problem | undefined>;
}

interface OpenSessionsPorts {
  readonly api: Api;
  readonly changes: SessionChanges;
  /** The session of this page has ended. */
  readonly onEnded: () => void;
}

export function useOpenSessions({ api, changes, onEnded }: OpenSessionsPorts): OpenSessionsControl {
  const [sessions, dispatch] = useReducer(openSessionsAfter, unknownSessions);

  const load = useMemo(
    () =>
      oneAtATime(async () => {
        const answer = await api.openSessions();
        if (answer.ok) dispatch({ type: 'loaded', sessions: answer.value });
        else if (answer.problem.status === 401) onEnded();
        else dispatch({ type: 'failed', problem: answer.problem });
      }),
    [api, onEnded],
  );

  useEffect(load, [load]);
  useEffect(() => changes.follow(load), [changes, load]);

  const retry = useCallback(() => {
    dispatch({ type: 'retried' });
    load();
  }, [load]);

  const end = useCallback(
    async (session: OpenSession) => {
      const answer = await api.endSession(session.id);
      if (!answer.ok && answer.problem.status === 401) {
        onEnded();
        return undefined;
      }
      // One that the service does not know any more is what was asked for.
      if (!answer.ok && answer.problem.code !== 'SESSION_NOT_FOUND') return answer.problem;
      dispatch({ type: 'ended', session });
      changes.announce();
      return undefined;
    },
    [api, changes, onEnded],
  );

  return { sessions, retry, end };
}
