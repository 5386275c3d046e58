export type TicketId = string;

/** A kind of ticket, of which `stock` are for sale in all. */
export interface Ticket {
  readonly id: TicketId;
  readonly title: string;
  /** `amount` in the smallest unit of the currency. */
  readonly price: { readonly amount: number; readonly currency: string };
  readonly stock: number;
}

export const catalogue: readonly Ticket[] = [
  { id: 'standing', title: 'Summer night · standing', price: { amount: 4900, currency: 'EUR' }, stock: 10_000 },
  { id: 'seated', title: 'Summer night · seated', price: { amount: 7900, currency: 'EUR' }, stock: 2_000 },
  { id: 'backstage', title: 'Summer night · backstage tour', price: { amount: 24_900, currency: 'EUR' }, stock: 5 },
];
