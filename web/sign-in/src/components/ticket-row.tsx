import { useEffect, useId, useRef } from 'react';
import type { ReactElement } from 'react';
import { priceText } from '../format.ts';
import { messageFor } from '../messages.ts';
import type { Ticket } from '../replies.ts';
import type { Purchase } from '../shop.ts';

interface TicketRowProps {
  readonly ticket: Ticket;
  readonly purchase: Purchase;
  readonly isBought: boolean;
  readonly onBuy: (ticketId: string) => void;
}

export function TicketRow({ ticket, purchase, isBought, onBuy }: TicketRowProps): ReactElement {
  const id = useId();
  const title = useRef<HTMLHeadingElement>(null);
  const canBuy = !isBought && ticket.remaining > 0;
  const couldBuy = useRef(canBuy);
  const isBuying = purchase.state === 'buying';

  // The button that was pressed is gone, and the focus with it.
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
          aria-disabled={isBuying}
          onClick={() => {
            onBuy(ticket.id);
          }}
        >
          Buy
        </button>
      ) : (
        <span className={isBought ? 'badge good' : 'badge'}>{isBought ? 'Yours' : 'Sold out'}</span>
      )}
      {purchase.state === 'refused' && purchase.ticketId === ticket.id && (
        <p className="alert" role="alert">
          {messageFor(purchase.problem)}
        </p>
      )}
    </li>
  );
}

function isAbout(purchase: Purchase, { id }: Ticket): boolean {
  switch (purchase.state) {
    case 'none':
      return false;
    case 'buying':
    case 'refused':
      return purchase.ticketId === id;
    case 'bought':
      return purchase.order.ticketId === id;
  }
}
