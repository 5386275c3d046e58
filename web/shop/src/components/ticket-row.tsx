import { useEffect, useId, useRef } from 'react';
import type { ReactElement } from 'react';
import { messageFor } from '../messages.ts';
import { priceText } from '../price.ts';
import type { Ticket } from '../replies.ts';
import type { Purchase } from '../shop.ts';

interface TicketRowProps {
  readonly ticket: Ticket;
  readonly purchase: Purchase;
  readonly isBought: boolean;
  /** Somebody is signed in, as far as the page knows. */
  readonly mayBuy: boolean;
  readonly onBuy: (ticketId: string) => void;
}

export function TicketRow({ ticket, purchase, isBought, mayBuy, onBuy }: TicketRowProps): ReactElement {
  const id = useId();
  const title = useRef<HTMLHeadingElement>(null);
  const canBuy = mayBuy && !isBought && ticket.remaining > 0;
  const couldBuy = useRef(canBuy);

  // The button that was pressed has been removed, and the focus with it.
  useEffect(() => {
    if (couldBuy.current && !canBuy && document.activeElement === document.body && isAbout(purchase, ticket)) {
      title.current?.focus();
    }
    couldBuy.current = canBuy;
  }, [canBuy, purchase, ticket]);

  return (
    <li className="row">
      <div>
        <h3 id={id} ref={title} tabIndex={-1}>
          {ticket.title}
        </h3>
        <p className="detail">
          {priceText(ticket.price)} · {ticket.remaining > 0 ? `${ticket.remaining} left` : 'none left'}
        </p>
      </div>
      {canBuy ? (
        <button
          type="button"
          className="primary"
          aria-describedby={id}
          aria-disabled={purchase.state === 'sending'}
          onClick={() => {
            onBuy(ticket.id);
          }}
        >
          Buy
        </button>
      ) : (
        <Unavailable ticket={ticket} isBought={isBought} />
      )}
      {purchase.state === 'refused' && purchase.ticketId === ticket.id && (
        <p className="alert" role="alert">
          {messageFor(purchase.problem)}
        </p>
      )}
    </li>
  );
}

function Unavailable({ ticket, isBought }: Pick<TicketRowProps, 'ticket' | 'isBought'>): ReactElement | null {
  if (isBought) return <span className="badge good">Yours</span>;
  return ticket.remaining > 0 ? null : <span className="badge">Sold out</span>;
}

function isAbout(purchase: Purchase, { id }: Ticket): boolean {
  switch (purchase.state) {
    case 'none':
      return false;
    case 'sending':
    case 'refused':
      return purchase.ticketId === id;
    case 'bought':
      return purchase.order.ticketId === id;
  }
}
