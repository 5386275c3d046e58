import { Mark } from '@authstack/page/mark.tsx';
import type { SessionChanges } from '@authstack/page/session-changes.ts';
import { Status } from '@authstack/page/status.tsx';
import type { ReactElement } from 'react';
import type { Api } from './api.ts';
import { OrdersCard } from './components/orders-card.tsx';
import { TicketsCard } from './components/tickets-card.tsx';
import { announcementOf } from './shop.ts';
import { useShop } from './use-shop.ts';

interface AppProps {
  readonly api: Api;
  readonly changes: SessionChanges;
  /** The stack's sign-in page. Who is signed in finds their account there. */
  readonly signInLink: string;
}

export function App({ api, changes, signInLink }: AppProps): ReactElement {
  const { shop, retryTickets, retryOrders, buy } = useShop(api, changes);
  const { orders } = shop;
  return (
    <>
      <header className="masthead">
        <Mark>
          <>
            <path d="M7 11h18v3a2 2 0 0 0 0 4v3H7v-3a2 2 0 0 0 0-4z" />
            <path d="M19 13.5v1M19 17.5v1" />
          </>
        </Mark>
        <h1>Ticket shop</h1>
        {orders.state !== 'loading' && <a href={signInLink}>{orders.state === 'signedOut' ? 'Sign in' : 'Account'}</a>}
      </header>
      <main className="page">
        <Status announcement={announcementOf(shop)} />
        <TicketsCard shop={shop} onBuy={buy} onRetry={retryTickets} />
        <OrdersCard orders={orders} signInLink={signInLink} onRetry={retryOrders} />
      </main>
    </>
  );
}
