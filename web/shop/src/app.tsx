import type { ReactElement } from 'react';
import type { Api } from './api.ts';
import { OrdersCard } from './components/orders-card.tsx';
import { TicketsCard } from './components/tickets-card.tsx';
import { announcementOf } from './shop.ts';
import { useShop } from './use-shop.ts';

interface AppProps {
  readonly api: Api;
  /** The stack's sign-in page. Who is signed in finds their account there. */
  readonly signInLink: string;
}

export function App({ api, signInLink }: AppProps): ReactElement {
  const { shop, retryTickets, retryOrders, buy } = useShop(api);
  const { orders } = shop;
  return (
    <>
      <header className="masthead">
        <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width="32" height="32" />
        <h1>Ticket shop</h1>
        {orders.state !== 'loading' && <a href={signInLink}>{orders.state === 'signedOut' ? 'Sign in' : 'Account'}</a>}
      </header>
      <main className="page">
        <p className="status" role="status">
          {announcementOf(shop)}
        </p>
        <TicketsCard shop={shop} onBuy={buy} onRetry={retryTickets} />
        <OrdersCard orders={orders} signInLink={signInLink} onRetry={retryOrders} />
      </main>
    </>
  );
}
