import type { Millis } from '@authstack/http-service/clock';
import type { Ticket, TicketId } from './catalogue.ts';
import { AlreadyBought, SoldOut, TicketNotFound } from './errors.ts';
import type { Order, OrderStore } from './order-store.ts';

export interface Purchase {
  readonly userId: string;
  readonly ticketId: TicketId;
}

export interface BuyTicketPorts {
  readonly catalogue: readonly Ticket[];
  readonly store: OrderStore;
  readonly now: () => Millis;
  readonly newId: () => string;
}

/** Places an order, or throws why this user cannot buy this ticket. */
export function buyTicket({ userId, ticketId }: Purchase, { catalogue, store, now, newId }: BuyTicketPorts): Order {
  const ticket = catalogue.find(({ id }) => id === ticketId);
  if (!ticket) throw new TicketNotFound();
  const order: Order = { id: newId(), userId, ticketId, title: ticket.title, createdAt: now() };
  const outcome = store.place(order, { stock: ticket.stock });
  switch (outcome) {
    case 'placed':
      return order;
    case 'alreadyBought':
      throw new AlreadyBought();
    case 'soldOut':
      throw new SoldOut();
  }
}
