import type { Problem } from './problem.ts';
import type { User } from './replies.ts';

/** Who is here. Not knowing is a state of its own: nobody is asked to sign in before the service has answered. */
export type Session =
  | { readonly state: 'asking' }
  | { readonly state: 'unknown'; readonly problem: Problem }
  | { readonly state: 'signedOut'; readonly because: 'nobodyYet' | 'signedOut' | 'expired' }
  | { readonly state: 'signedIn'; readonly user: User; readonly since: 'before' | 'signUp' | 'signIn' };

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
      return { state: 'asking' };
    case 'found':
      // A late answer does not undo what the visitor has done since.
      return session.state === 'asking' ? sessionOf(event.user) : session;
    case 'unanswered':
      return session.state === 'asking' ? { state: 'unknown', problem: event.problem } : session;
    case 'entered':
      return { state: 'signedIn', user: event.user, since: event.by };
    case 'left':
      return { state: 'signedOut', because: 'signedOut' };
    case 'expired':
      return session.state === 'signedIn' ? { state: 'signedOut', because: 'expired' } : session;
  }
}

function sessionOf(user: User | null): Session {
  return user ? { state: 'signedIn', user, since: 'before' } : { state: 'signedOut', because: 'nobodyYet' };
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
  signUp: 'Welcome! Your account is ready.',
  signIn: 'You are signed in.',
} as const;

const farewells = {
  nobodyYet: '',
  signedOut: 'You are signed out.',
  expired: 'Your session has ended. Please sign in again.',
} as const;
