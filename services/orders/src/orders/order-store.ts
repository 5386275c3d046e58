import type { Millis } from '@authstack/http-service/clock';
import type { TicketId } from './catalogue.ts';

export interface Order {
  readonly id: string;
  readonly userId: string;
  readonly ticketId: TicketId;
  /** As it was when it was bought. */
  readonly title: string;
  readonly createdAt: Millis;
}

export type Placed = 'placed' | 'alreadyBought' | 'soldOut';

export interface OrderStore {
  /** Keeps the order if the user has none for this ticket and fewer than `stock` were sold; one step for all who try. */
  place(order: Order, limit: { readonly stock: number }): Placed;
  /** The newest first. */
  ofUser(userId: string): readonly Order[];
  sold(): ReadonlyMap<TicketId, number>;
  close(): void;
}
