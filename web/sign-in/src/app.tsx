import { useEffect } from 'react';
import type { ReactElement } from 'react';
import type { Api } from './api.ts';
import { Account } from './components/account.tsx';
import { Entrance } from './components/entrance.tsx';
import { Loading } from './components/loading.tsx';
import { Orders } from './components/orders.tsx';
import { Tickets } from './components/tickets.tsx';
import { Trouble } from './components/trouble.tsx';
import type { Route } from './route.ts';
import { announcementOf } from './session.ts';
import type { Session } from './session.ts';
import type { Shop } from './shop.ts';
import { useRoute } from './use-route.ts';
import { useSession } from './use-session.ts';
import type { SessionControl } from './use-session.ts';
import { useShop } from './use-shop.ts';

export function App({ api }: { readonly api: Api }): ReactElement {
  const control = useSession(api);
  const { session } = control;
  const { shop, loadTickets, loadOrders, buy } = useShop(api, { session, onExpired: control.expired });
  const { route, reset } = useRoute();

  useEffect(() => {
    document.title = `${titleOf(session, route)} · AuthStack`;
  }, [session, route]);

  // Whoever signs out after a sign-up is next asked to sign in.
  useEffect(() => {
    if (session.state === 'signedIn') reset();
  }, [session.state, reset]);

  return (
    <>
      <header className="masthead">
        <img src="/favicon.svg" alt="" width="32" height="32" />
        <span>AuthStack</span>
      </header>
      <main className="page">
        <p className="status" role="status">
          {announcement(session, shop)}
        </p>
        <Visitor api={api} control={control} route={route} />
        <Tickets shop={shop} onBuy={buy} onRetry={loadTickets} />
        {session.state === 'signedIn' && <Orders orders={shop.orders} onRetry={loadOrders} />}
      </main>
    </>
  );
}

interface VisitorProps {
  readonly api: Api;
  readonly control: SessionControl;
  readonly route: Route;
}

function Visitor({ api, control, route }: VisitorProps): ReactElement {
  const { session, ask, entered, signOut } = control;
  switch (session.state) {
    case 'asking':
      return (
        <section className="card visitor" aria-busy="true">
          <Loading what="your account" rows={5} />
        </section>
      );
    case 'unknown':
      return (
        <section className="card visitor" aria-labelledby="account-heading">
          <h1 id="account-heading">Your account</h1>
          <Trouble
            what="We cannot tell whether you are signed in."
            problem={session.problem}
            retrying={session.retrying}
            onRetry={ask}
          />
        </section>
      );
    case 'signedOut':
      return <Entrance api={api} route={route} onEntered={entered} takesFocus={session.because !== 'nobodyYet'} />;
    case 'signedIn':
      return <Account user={session.user} onSignOut={signOut} takesFocus={session.since !== 'before'} />;
  }
}

function announcement(session: Session, { purchase }: Shop): string {
  if (purchase.state === 'bought') return `Bought “${purchase.order.title}”.`;
  // Whoever tries to buy has long read the greeting.
  return purchase.state === 'none' ? announcementOf(session) : '';
}

function titleOf(session: Session, route: Route): string {
  if (session.state === 'signedIn') return 'Your account';
  return route === 'signUp' ? 'Sign up' : 'Sign in';
}
