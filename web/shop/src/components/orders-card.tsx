import { dayText } from '@authstack/page/day.ts';
import { Loading } from '@authstack/page/loading.tsx';
import { Trouble } from '@authstack/page/trouble.tsx';
import type { ReactElement } from 'react';
import { messageFor } from '../messages.ts';
import type { Orders } from '../shop.ts';

interface OrdersCardProps {
  readonly orders: Orders;
  readonly signInLink: string;
  readonly onRetry: () => void;
}

export function OrdersCard(props: OrdersCardProps): ReactElement {
  return (
    <section className="card orders" aria-labelledby="orders-heading" aria-busy={props.orders.state === 'loading'}>
      <h2 id="orders-heading" tabIndex={-1}>
        My orders
      </h2>
      <OrderList {...props} />
    </section>
  );
}

function OrderList({ orders, signInLink, onRetry }: OrdersCardProps): ReactElement {
  switch (orders.state) {
    case 'loading':
      return <Loading what="your orders" rows={1} />;
    case 'signedOut':
      return (
        <>
          <p className="empty">Sign in to buy tickets and to see your orders.</p>
          <a className="button primary wide" href={signInLink}>
            Sign in
          </a>
        </>
      );
    case 'failed':
      return (
        <Trouble
          what="Your orders are not available right now."
          why={messageFor(orders.problem)}
          retrying={orders.retrying}
          onRetry={onRetry}
        />
      );
    case 'loaded':
      if (orders.value.length === 0) return <p className="empty">Nothing yet. What you buy is listed here.</p>;
      return (
        <ul className="rows">
          {orders.value.map(({ id, title, createdAt }) => (
            <li key={id} className="row">
              <span>{title}</span>
              <time className="detail" dateTime={createdAt}>
                {dayText(createdAt)}
              </time>
            </li>
          ))}
        </ul>
      );
  }
}
