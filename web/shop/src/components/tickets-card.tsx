import { Loading } from '@authstack/page/loading.tsx';
import { Trouble } from '@authstack/page/trouble.tsx';
import type { ReactElement } from 'react';
import { messageFor } from '../messages.ts';
import { isBought } from '../shop.ts';
import type { Shop } from '../shop.ts';
import { TicketRow } from './ticket-row.tsx';

interface TicketsCardProps {
  readonly shop: Shop;
  readonly onBuy: (ticketId: string) => void;
  readonly onRetry: () => void;
}

export function TicketsCard(props: TicketsCardProps): ReactElement {
  const isLoading = props.shop.tickets.state === 'loading';
  return (
    <section className="card tickets" aria-labelledby="tickets-heading" aria-busy={isLoading}>
      <h2 id="tickets-heading" tabIndex={-1}>
        Tickets
      </h2>
      <TicketList {...props} />
    </section>
  );
}

function TicketList({ shop, onBuy, onRetry }: TicketsCardProps): ReactElement {
  const { tickets, orders, purchase } = shop;
  switch (tickets.state) {
    case 'loading':
      return <Loading what="tickets" rows={3} />;
    case 'failed':
      return (
        <Trouble
          what="Tickets are not available right now."
          why={messageFor(tickets.problem)}
          retrying={tickets.retrying}
          onRetry={onRetry}
        />
      );
    case 'loaded':
      if (tickets.value.length === 0) return <p className="empty">No tickets are on sale at the moment.</p>;
      return (
        <ul className="rows">
          {tickets.value.map((ticket) => (
            <TicketRow
              key={ticket.id}
              ticket={ticket}
              purchase={purchase}
              isBought={isBought(shop, ticket.id)}
              mayBuy={orders.state === 'loaded' || orders.state === 'failed'}
              onBuy={onBuy}
            />
          ))}
        </ul>
      );
  }
}
