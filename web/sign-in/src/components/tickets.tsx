import type { ReactElement } from 'react';
import { isBought } from '../shop.ts';
import type { Shop } from '../shop.ts';
import { Loading } from './loading.tsx';
import { TicketRow } from './ticket-row.tsx';
import { Trouble } from './trouble.tsx';

interface TicketsProps {
  readonly shop: Shop;
  readonly onBuy: (ticketId: string) => void;
  readonly onRetry: () => void;
}

export function Tickets({ shop, onBuy, onRetry }: TicketsProps): ReactElement {
  return (
    <section className="card tickets" aria-labelledby="tickets-heading" aria-busy={shop.tickets.state === 'loading'}>
      <h2 id="tickets-heading" tabIndex={-1}>
        Tickets
      </h2>
      <TicketList shop={shop} onBuy={onBuy} onRetry={onRetry} />
    </section>
  );
}

function TicketList({ shop, onBuy, onRetry }: TicketsProps): ReactElement {
  const { tickets, purchase } = shop;
  switch (tickets.state) {
    case 'loading':
      return <Loading what="tickets" rows={3} />;
    case 'failed':
      return (
        <Trouble
          what="Tickets are not available right now."
          problem={tickets.problem}
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
              onBuy={onBuy}
            />
          ))}
        </ul>
      );
  }
}
