import type { ReactElement } from 'react';
import { dayText } from '../format.ts';
import type { Shop } from '../shop.ts';
import { Loading } from './loading.tsx';
import { Trouble } from './trouble.tsx';

interface OrdersProps {
  readonly orders: Shop['orders'];
  readonly onRetry: () => void;
}

export function Orders({ orders, onRetry }: OrdersProps): ReactElement {
  return (
    <section className="card orders" aria-labelledby="orders-heading" aria-busy={orders.state === 'loading'}>
      <h2 id="orders-heading" tabIndex={-1}>
        My orders
      </h2>
      <OrderList orders={orders} onRetry={onRetry} />
    </section>
  );
}

function OrderList({ orders, onRetry }: OrdersProps): ReactElement {
  switch (orders.state) {
    case 'loading':
      return <Loading what="your orders" rows={1} />;
    case 'failed':
      return (
        <Trouble
          what="Your orders are not available right now."
          problem={orders.problem}
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
