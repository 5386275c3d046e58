import { Loading } from '@authstack/page/loading.tsx';
import { Trouble } from '@authstack/page/trouble.tsx';
import { useEffect } from 'react';
import type { ReactElement } from 'react';
import type { Api } from './api.ts';
import { Account } from './components/account.tsx';
import { SignIn } from './components/sign-in.tsx';
import { messageFor } from './messages.ts';
import { announcementOf, leavesAtOnce } from './session.ts';
import type { Form, Session } from './session.ts';
import { useRoute } from './use-route.ts';
import { useSession } from './use-session.ts';
import type { SessionControl } from './use-session.ts';

interface AppProps {
  readonly api: Api;
  /** The page that sent the visitor here. */
  readonly returnTo: string | undefined;
}

export function App({ api, returnTo }: AppProps): ReactElement {
  const control = useSession(api);
  const { session } = control;
  const { form, reset } = useRoute();

  useEffect(() => {
    document.title = `${titleOf(session, form)} · AuthStack`;
  }, [session, form]);

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
        <img src="/favicon.svg" alt="" width="32" height="32" />
        <span>AuthStack</span>
      </header>
      <main className="page">
        <p className="status" role="status">
          {announcementOf(session)}
        </p>
        <Card api={api} control={control} form={form} returnTo={returnTo} />
      </main>
    </>
  );
}

interface CardProps extends AppProps {
  readonly control: SessionControl;
  readonly form: Form;
}

function Card({ api, control, form, returnTo }: CardProps): ReactElement {
  const { session, retry, signedIn, signOut } = control;
  switch (session.state) {
    case 'loading':
      return (
        <section className="card" aria-busy="true">
          <Loading what="your account" rows={5} />
        </section>
      );
    case 'unknown':
      return (
        <section className="card" aria-labelledby="account-heading">
          <h1 id="account-heading">Your account</h1>
          <Trouble
            what="The page could not find out whether you are signed in."
            why={messageFor(session.problem)}
            retrying={session.retrying}
            onRetry={retry}
          />
        </section>
      );
    case 'signedOut':
      return <SignIn api={api} form={form} onSignedIn={signedIn} takesFocus={session.because !== 'initial'} />;
    case 'signedIn': {
      const { user, because } = session;
      return <Account user={user} onSignOut={signOut} returnTo={returnTo} takesFocus={because !== 'initial'} />;
    }
  }
}

function titleOf(session: Session, form: Form): string {
  if (session.state === 'signedIn') return 'Your account';
  return form === 'signUp' ? 'Sign up' : 'Sign in';
}
