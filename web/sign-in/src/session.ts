import type { Problem } from '@authstack/page/problem.ts';
import type { Announcement } from '@authstack/page/status.tsx';
import type { User } from './replies.ts';

/** Who is signed in. Not knowing is a state of its own: nobody is asked to sign in before the service has answered. */
export type Session =
  | { readonly state: 'loading' }
  | { readonly state: 'unknown'; readonly problem: Problem; readonly retrying: boolean }
  | { readonly state: 'signedOut'; readonly because: 'initial' | 'retried' | 'ended' | SignOutScope }
  | { readonly state: 'signedIn'; readonly user: User; readonly because: 'initial' | 'retried' | 'elsewhere' | Form };

/** Of this browser, or of every device. */
export type SignOutScope = 'signedOut' | 'signedOutEverywhere';

/** The two ways to sign in. */
export type Form = 'signIn' | 'signUp';

export type SessionEvent =
  | { readonly type: 'retried' }
  | { readonly type: 'loaded'; readonly user: User | null }
  | { readonly type: 'loadFailed'; readonly problem: Problem }
  | { readonly type: 'signedIn'; readonly user: User; readonly by: Form }
  | { readonly type: SignOutScope }
  /** The service has refused what only a signed-in user may do. */
  | { readonly type: 'ended' }
  /** Another look at what may have changed meanwhile; `before` is what the page showed when it looked. */
  | { readonly type: 'checked'; readonly before: Session; readonly user: User | null };

export const initialSession: Session = { state: 'loading' };

export function sessionAfter(session: Session, event: SessionEvent): Session {
  switch (event.type) {
    case 'retried':
      return afterRetry(session);
    case 'loaded':
      return afterLoad(session, event.user);
    case 'loadFailed':
      return afterFailure(session, event.problem);
    case 'signedIn':
      return { state: 'signedIn', user: event.user, because: event.by };
    case 'signedOut':
    case 'signedOutEverywhere':
      return { state: 'signedOut', because: event.type };
    case 'ended':
      return afterEnd(session);
    case 'checked':
      return session === event.before ? afterCheck(session, event.user) : session;
  }
}

function afterRetry(session: Session): Session {
  return session.state === 'unknown' ? { ...session, retrying: true } : session;
}

function afterFailure(session: Session, problem: Problem): Session {
  return isOpen(session) ? { state: 'unknown', problem, retrying: false } : session;
}

function afterEnd(session: Session): Session {
  return session.state === 'signedIn' ? { state: 'signedOut', because: 'ended' } : session;
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

function afterCheck(session: Session, user: User | null): Session {
  switch (session.state) {
    case 'loading':
    case 'unknown':
      return afterLoad(session, user);
    case 'signedOut':
      return user ? { state: 'signedIn', user, because: 'elsewhere' } : session;
    case 'signedIn':
      if (!user) return { state: 'signedOut', because: 'ended' };
      return user.id === session.user.id ? session : { state: 'signedIn', user, because: 'elsewhere' };
  }
}

/** What has changed, for eyes and screen readers. Only what the visitor did here is a success. */
export function announcementOf(session: Session): Announcement | undefined {
  switch (session.state) {
    case 'loading':
    case 'unknown':
      return undefined;
    case 'signedIn':
      return signedInTexts[session.because];
    case 'signedOut':
      return signedOutTexts[session.because];
  }
}

const success = (text: string): Announcement => ({ text, tone: 'success' });
const notice = (text: string): Announcement => ({ text, tone: 'notice' });

const signedInTexts = {
  initial: undefined,
  retried: undefined,
  elsewhere: notice('You have signed in from another tab.'),
  signUp: success('Your account is ready.'),
  signIn: success('You are signed in.'),
} as const;

const signedOutTexts = {
  initial: undefined,
  retried: undefined,
  signedOut: success('You are signed out.'),
  signedOutEverywhere: success('You are signed out on every device.'),
  ended: notice('Your session has ended. Sign in again.'),
} as const;

/** A sign-in or a sign-up leads back to the page that sent the visitor here. A visitor who was signed in before gets a link. */
export function leavesAtOnce(session: Session): boolean {
  return session.state === 'signedIn' && (session.because === 'signIn' || session.because === 'signUp');
}
