import { Loading } from '@authstack/page/loading.tsx';
import { Mark } from '@authstack/page/mark.tsx';
import type { SessionChanges } from '@authstack/page/session-changes.ts';
import { Status } from '@authstack/page/status.tsx';
import { Trouble } from '@authstack/page/trouble.tsx';
import { useEffect } from 'react';
import type { ReactElement } from 'react';
import type { Api } from './api.ts';
import { Account } from './components/account.tsx';
import { SessionsCard } from './components/sessions-card.tsx';
import { SignIn } from './components/sign-in.tsx';
import { messageFor } from './messages.ts';
import type { PageSettings } from './page-settings.ts';
import { announcementOf, leavesAtOnce } from './session.ts';
import type { Form, Session } from './session.ts';
import { useOpenSessions } from './use-open-sessions.ts';
import { useRoute } from './use-route.ts';
import type { RouteControl } from './use-route.ts';
import { useSession } from './use-session.ts';
import type { SessionControl } from './use-session.ts';

interface AppProps {
  readonly api: Api;
  readonly changes: SessionChanges;
  readonly settings: PageSettings;
  /** The page that sent the visitor here. */
  readonly returnTo: string | undefined;
}

export function App(props: AppProps): ReactElement {
  const { api, changes, settings, returnTo } = props;
  const control = useSession(api, changes);
  const { session } = control;
  const route = useRoute();
  const { form, reset } = route;

  useEffect(() => {
    document.title = `${titleOf(session, form)} · ${settings.title}`;
  }, [session, form, settings]);

  // After a sign-up and a sign-out, the sign-in form is shown.
  useEffect(() => {
    if (session.state === 'signedIn') reset();
  }, [session.state, reset]);

  // Replaced, so that the back button does not lead to a form again.
  useEffect(() => {
    if (returnTo !== undefined && leavesAtOnce(session)) location.replace(returnTo);
  }, [session, returnTo]);

  return (
    <>
      <header className="masthead">
        <Mark>
          <>
            <circle cx="12" cy="16" r="4.5" />
            <path d="M16.5 16H25v3.5M21 16v2.5" />
          </>
        </Mark>
        <span>{settings.title}</span>
      </header>
      <main className="page">
        <Status announcement={announcementOf(session)} />
        <Cards {...props} control={control} route={route} />
      </main>
    </>
  );
}

interface CardsProps extends AppProps {
  readonly control: SessionControl;
  readonly route: RouteControl;
}

function Cards(props: CardsProps): ReactElement {
  const { api, settings, control, route } = props;
  const { session, retry, signedIn } = control;
  switch (session.state) {
    case 'loading':
      return (
        <section className="card" aria-busy="true">
          <h1 className="unseen">{settings.title}</h1>
          <Loading what="your account" rows={5} />
        </section>
      );
    case 'unknown':
      return (
        <section className="card" aria-labelledby="account-heading">
          <h1 id="account-heading" tabIndex={-1}>
            Your account
          </h1>
          <Trouble
            what="The page could not find out whether you are signed in."
            why={messageFor(session.problem)}
            retrying={session.retrying}
            onRetry={retry}
          />
        </section>
      );
    case 'signedOut':
      return (
        <SignIn
          api={api}
          settings={settings}
          form={route.form}
          onSignedIn={signedIn}
          takesFocus={session.because !== 'initial' || route.hasMoved}
        />
      );
    case 'signedIn':
      // Another user's sessions are loaded anew.
      return <SignedIn key={session.user.id} {...props} session={session} />;
  }
}

interface SignedInProps extends CardsProps {
  readonly session: Extract<Session, { state: 'signedIn' }>;
}

function SignedIn({ api, changes, returnTo, control, session }: SignedInProps): ReactElement {
  const { signOut, ended } = control;
  const openSessions = useOpenSessions({ api, changes, onEnded: ended });
  return (
    <>
      <Account
        user={session.user}
        onSignOut={() => signOut('signedOut')}
        returnTo={returnTo}
        takesFocus={session.because !== 'initial'}
      />
      <SessionsCard control={openSessions} onSignOutEverywhere={() => signOut('signedOutEverywhere')} />
    </>
  );
}

function titleOf(session: Session, form: Form): string {
  if (session.state === 'signedIn') return 'Your account';
  return form === 'signUp' ? 'Sign up' : 'Sign in';
}
