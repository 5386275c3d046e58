import { isRecord } from '@authstack/page/problem.ts';
import { isCount, isText, readList } from '@authstack/page/reader.ts';
import type { Reader } from '@authstack/page/reader.ts';

export interface Price {
  /** In the smallest unit of the currency: cents. */
  readonly amount: number;
  readonly currency: string;
}

export interface Ticket {
  readonly id: string;
  readonly title: string;
  readonly price: Price;
  readonly remaining: number;
}

export interface Order {
  readonly id: string;
  readonly ticketId: string;
  readonly title: string;
  readonly createdAt: string;
}

export const readTicket: Reader<Ticket> = (body) => {
  if (!isRecord(body) || !isRecord(body['price'])) return undefined;
  const { id, title, remaining } = body;
  const { amount, currency } = body['price'];
  if (!isText(id) || !isText(title) || !isCount(remaining) || !isCount(amount) || !isText(currency)) return undefined;
  return { id, title, remaining, price: { amount, currency } };
};

export const readOrder: Reader<Order> = (body) => {
  if (!isRecord(body)) return undefined;
  const { id, ticketId, title, createdAt } = body;
  if (!isText(id) || !isText(ticketId) || !isText(title) || !isText(createdAt)) return undefined;
  return { id, ticketId, title, createdAt };
};

export const readTickets: Reader<readonly Ticket[]> = (body) =>
  isRecord(body) ? readList(body['tickets'], readTicket) : undefined;
export const readOrders: Reader<readonly Order[]> = (body) =>
  isRecord(body) ? readList(body['orders'], readOrder) : undefined;
