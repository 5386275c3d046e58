import type { Problem } from '@authstack/page/problem.ts';
import type { User } from './replies.ts';

/** Who is signed in. Not knowing is a state of its own: nobody is asked to sign in before the service has answered. */
export type Session =
  | { readonly state: 'loading' }
  | { readonly state: 'unknown'; readonly problem: Problem; readonly retrying: boolean }
  | { readonly state: 'signedOut'; readonly because: 'initial' | 'retried' | 'signedOut' }
  | { readonly state: 'signedIn'; readonly user: User; readonly because: 'initial' | 'retried' | Form };

/** The two ways to sign in. */
export type Form = 'signIn' | 'signUp';

export type SessionEvent =
  | { readonly type: 'retried' }
  | { readonly type: 'loaded'; readonly user: User | null }
  | { readonly type: 'loadFailed'; readonly problem: Problem }
  | { readonly type: 'signedIn'; readonly user: User; readonly by: Form }
  | { readonly type: 'signedOut' };

export const initialSession: Session = { state: 'loading' };

export function sessionAfter(session: Session, event: SessionEvent): Session {
  switch (event.type) {
    case 'retried':
      return session.state === 'unknown' ? { ...session, retrying: true } : session;
    case 'loaded':
      return afterLoad(session, event.user);
    case 'loadFailed':
      return isOpen(session) ? { state: 'unknown', problem: event.problem, retrying: false } : session;
    case 'signedIn':
      return { state: 'signedIn', user: event.user, because: event.by };
    case 'signedOut':
      return { state: 'signedOut', because: 'signedOut' };
  }
}

/** A late answer does not undo what the visitor has done since. */
function isOpen({ state }: Session): boolean {
  return state === 'loading' || state === 'unknown';
}

function afterLoad(session: Session, user: User | null): Session {
  if (!isOpen(session)) return session;
  const because = session.state === 'unknown' ? 'retried' : 'initial';
  return user ? { state: 'signedIn', user, because } : { state: 'signedOut', because };
}

/** What a screen reader announces after a change. */
export function announcementOf(session: Session): string {
  switch (session.state) {
    case 'loading':
    case 'unknown':
      return '';
    case 'signedIn':
      return signedInTexts[session.because];
    case 'signedOut':
      return session.because === 'signedOut' ? 'You are signed out.' : '';
  }
}

const signedInTexts = {
  initial: '',
  retried: '',
  signUp: 'Your account is ready.',
  signIn: 'You are signed in.',
} as const;

/** A sign-in or a sign-up leads back to the page that sent the visitor here. A visitor who was signed in before gets a link. */
export function leavesAtOnce(session: Session): boolean {
  return session.state === 'signedIn' && (session.because === 'signIn' || session.because === 'signUp');
}
