import { useCallback, useEffect, useReducer } from 'react';
import type { Api } from './api.ts';
import type { Problem } from './problem.ts';
import type { User } from './replies.ts';
import { atFirst, sessionAfter } from './session.ts';
import type { Session } from './session.ts';

export interface SessionControl {
  readonly session: Session;
  readonly ask: () => void;
  readonly entered: (user: User, by: 'signUp' | 'signIn') => void;
  readonly expired: () => void;
  /** Resolves to what stood in the way, if anything did. */
  readonly signOut: () => Promise<Problem | undefined>;
}

export function useSession(api: Api): SessionControl {
  const [session, dispatch] = useReducer(sessionAfter, atFirst);

  const ask = useCallback(() => {
    dispatch({ type: 'asked' });
    void api.currentUser().then((answer) => {
      if (answer.ok) dispatch({ type: 'found', user: answer.value.user });
      else dispatch({ type: 'unanswered', problem: answer.problem });
    });
  }, [api]);

  useEffect(ask, [ask]);

  const entered = useCallback((user: User, by: 'signUp' | 'signIn') => {
    dispatch({ type: 'entered', user, by });
  }, []);

  const expired = useCallback(() => {
    dispatch({ type: 'expired' });
  }, []);

  const signOut = useCallback(async () => {
    const answer = await api.signOut();
    if (!answer.ok) return answer.problem;
    dispatch({ type: 'left' });
    return undefined;
  }, [api]);

  return { session, ask, entered, expired, signOut };
}
