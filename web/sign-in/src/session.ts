import type { Problem } from './problem.ts';
import type { User } from './replies.ts';

/** Who is here. Not knowing is a state of its own: nobody is asked to sign in before the service has answered. */
export type Session =
  | { readonly state: 'asking' }
  | { readonly state: 'unknown'; readonly problem: Problem; readonly retrying: boolean }
  | { readonly state: 'signedOut'; readonly because: 'nobodyYet' | 'askedAgain' | 'signedOut' | 'expired' }
  | { readonly state: 'signedIn'; readonly user: User; readonly since: 'before' | 'askedAgain' | 'signUp' | 'signIn' };

export type SessionEvent =
  | { readonly type: 'asked' }
  | { readonly type: 'found'; readonly user: User | null }
  | { readonly type: 'unanswered'; readonly problem: Problem }
  | { readonly type: 'entered'; readonly user: User; readonly by: 'signUp' | 'signIn' }
  | { readonly type: 'left' }
  | { readonly type: 'expired' };

export const atFirst: Session = { state: 'asking' };

export function sessionAfter(session: Session, event: SessionEvent): Session {
  switch (event.type) {
    case 'asked':
      return session.state === 'unknown' ? { ...session, retrying: true } : session;
    case 'found':
      return whenFound(session, event.user);
    case 'unanswered':
      return isOpen(session) ? { state: 'unknown', problem: event.problem, retrying: false } : session;
    case 'entered':
      return { state: 'signedIn', user: event.user, since: event.by };
    case 'left':
      return { state: 'signedOut', because: 'signedOut' };
    case 'expired':
      return session.state === 'signedIn' ? { state: 'signedOut', because: 'expired' } : session;
  }
}

/** A late answer does not undo what the visitor has done since. */
function isOpen({ state }: Session): boolean {
  return state === 'asking' || state === 'unknown';
}

function whenFound(session: Session, user: User | null): Session {
  if (!isOpen(session)) return session;
  const isRetry = session.state === 'unknown';
  if (user) return { state: 'signedIn', user, since: isRetry ? 'askedAgain' : 'before' };
  return { state: 'signedOut', because: isRetry ? 'askedAgain' : 'nobodyYet' };
}

/** What a change of session is announced with. */
export function announcementOf(session: Session): string {
  switch (session.state) {
    case 'asking':
    case 'unknown':
      return '';
    case 'signedIn':
      return greetings[session.since];
    case 'signedOut':
      return farewells[session.because];
  }
}

const greetings = {
  before: '',
  askedAgain: '',
  signUp: 'Your account is ready.',
  signIn: 'You are signed in.',
} as const;

const farewells = {
  nobodyYet: '',
  askedAgain: '',
  signedOut: 'You are signed out.',
  expired: 'Your session has ended. Please sign in again.',
} as const;
