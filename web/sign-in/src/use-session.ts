import { oneAtATime } from '@authstack/page/one-at-a-time.ts';
import type { Problem } from '@authstack/page/problem.ts';
import type { SessionChanges } from '@authstack/page/session-changes.ts';
import { useCallback, useEffect, useLayoutEffect, useReducer, useRef } from 'react';
import type { Api } from './api.ts';
import type { User } from './replies.ts';
import { initialSession, sessionAfter } from './session.ts';
import type { Form, Session, SignOutScope } from './session.ts';

export interface SessionControl {
  readonly session: Session;
  readonly retry: () => void;
  readonly signedIn: (user: User, by: Form) => void;
  /** Resolves to what prevented it, if anything did. */
  readonly signOut: (scope: SignOutScope) => Promise<Problem | undefined>;
  /** The service has answered that nobody is signed in. */
  readonly ended: () => void;
}

export function useSession(api: Api, changes: SessionChanges): SessionControl {
  const [session, dispatch] = useReducer(sessionAfter, initialSession);
  const shown = useRef(session);
  useLayoutEffect(() => {
    shown.current = session;
  }, [session]);

  const load = useCallback(() => {
    void api.currentUser().then((answer) => {
      if (answer.ok) dispatch({ type: 'loaded', user: answer.value.user });
      else dispatch({ type: 'loadFailed', problem: answer.problem });
    });
  }, [api]);

  useEffect(load, [load]);

  useEffect(() => {
    const check = oneAtATime(async () => {
      const before = shown.current;
      const answer = await api.currentUser();
      // What is shown is better than an error that it could not be looked at again.
      if (answer.ok) dispatch({ type: 'checked', before, user: answer.value.user });
    });
    return changes.follow(check);
  }, [api, changes]);

  const retry = useCallback(() => {
    dispatch({ type: 'retried' });
    load();
  }, [load]);

  const signedIn = useCallback(
    (user: User, by: Form) => {
      dispatch({ type: 'signedIn', user, by });
      changes.announce();
    },
    [changes],
  );

  const ended = useCallback(() => {
    dispatch({ type: 'ended' });
    changes.announce();
  }, [changes]);

  const signOut = useCallback(
    async (scope: SignOutScope) => {
      const answer = await (scope === 'signedOut' ? api.signOut() : api.signOutEverywhere());
      if (!answer.ok) return answer.problem;
      dispatch({ type: scope });
      changes.announce();
      return undefined;
    },
    [api, changes],
  );

  return { session, retry, signedIn, signOut, ended };
}
