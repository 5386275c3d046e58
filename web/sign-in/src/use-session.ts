import type { Problem } from '@authstack/page/problem.ts';
import { useCallback, useEffect, useReducer } from 'react';
import type { Api } from './api.ts';
import type { User } from './replies.ts';
import { initialSession, sessionAfter } from './session.ts';
import type { Form, Session } from './session.ts';

export interface SessionControl {
  readonly session: Session;
  readonly retry: () => void;
  readonly signedIn: (user: User, by: Form) => void;
  /** Resolves to what prevented it, if anything did. */
  readonly signOut: () => Promise<Problem | undefined>;
}

export function useSession(api: Api): SessionControl {
  const [session, dispatch] = useReducer(sessionAfter, initialSession);

  const load = useCallback(() => {
    void api.currentUser().then((answer) => {
      if (answer.ok) dispatch({ type: 'loaded', user: answer.value.user });
      else dispatch({ type: 'loadFailed', problem: answer.problem });
    });
  }, [api]);

  useEffect(load, [load]);

  const retry = useCallback(() => {
    dispatch({ type: 'retried' });
    load();
  }, [load]);

  const signedIn = useCallback((user: User, by: Form) => {
    dispatch({ type: 'signedIn', user, by });
  }, []);

  const signOut = useCallback(async () => {
    const answer = await api.signOut();
    if (!answer.ok) return answer.problem;
    dispatch({ type: 'signedOut' });
    return undefined;
  }, [api]);

  return { session, retry, signedIn, signOut };
}
