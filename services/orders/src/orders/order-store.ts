import type { Millis } from '@authstack/http-service/clock';
import type { TicketId } from './catalogue.ts';

export interface Order {
  readonly id: string;
  readonly userId: string;
  readonly ticketId: TicketId;
  /** Of the ticket at the time of the order. */
  readonly title: string;
  readonly createdAt: Millis;
}

export type Placed = 'placed' | 'alreadyBought' | 'soldOut';

export interface OrderStore {
  /** Stores the order if the user has none for this ticket and fewer than `stock` were sold; atomic. */
  place(order: Order, limit: { readonly stock: number }): Placed;
  /** The newest first. */
  ofUser(userId: string): readonly Order[];
  sold(): ReadonlyMap<TicketId, number>;
  close(): void;
}
