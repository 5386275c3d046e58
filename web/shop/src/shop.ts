import type { Problem } from '@authstack/page/problem.ts';
import type { Announcement } from '@authstack/page/status.tsx';
import { isSignedOut } from './api.ts';
import type { Order, Ticket } from './replies.ts';

/** Something that is loaded. While it is loaded again, what was there stays. */
export type Remote<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'loaded'; readonly value: T }
  | { readonly state: 'failed'; readonly problem: Problem; readonly retrying: boolean };

/** The orders service knows whose orders they are; a visitor without any is not signed in. */
export type Orders = Remote<readonly Order[]> | { readonly state: 'signedOut' };

export type Purchase =
  | { readonly state: 'none' }
  | { readonly state: 'sending'; readonly ticketId: string }
  | { readonly state: 'bought'; readonly order: Order }
  | { readonly state: 'refused'; readonly ticketId: string; readonly problem: Problem };

export interface Shop {
  readonly tickets: Remote<readonly Ticket[]>;
  readonly orders: Orders;
  readonly purchase: Purchase;
  /** The visitor was signed in on this page, and is no more. */
  readonly sessionEnded: boolean;
}

export type RemoteEvent<T> =
  | { readonly type: 'retried' }
  | { readonly type: 'loaded'; readonly value: T }
  | { readonly type: 'failed'; readonly problem: Problem };

export type ShopEvent =
  | { readonly type: 'tickets'; readonly event: RemoteEvent<readonly Ticket[]> }
  | { readonly type: 'orders'; readonly event: RemoteEvent<readonly Order[]> }
  | { readonly type: 'sending'; readonly ticketId: string }
  | { readonly type: 'bought'; readonly order: Order }
  | { readonly type: 'refused'; readonly ticketId: string; readonly problem: Problem };

const loading = { state: 'loading' } as const;
const signedOut = { state: 'signedOut' } as const;
const nothingBought = { state: 'none' } as const;

export const emptyShop: Shop = { tickets: loading, orders: loading, purchase: nothingBought, sessionEnded: false };

export function shopAfter(shop: Shop, event: ShopEvent): Shop {
  return withSessionEnd(shop, afterEvent(shop, event));
}

/** Whose session ends is told so, whatever the page was doing; what was bought before is no news any more. */
function withSessionEnd(before: Shop, after: Shop): Shop {
  if (after.orders.state !== 'signedOut') return { ...after, sessionEnded: false };
  if (before.orders.state !== 'loaded') return after;
  return { ...after, sessionEnded: true, purchase: after.purchase.state === 'bought' ? nothingBought : after.purchase };
}

function afterEvent(shop: Shop, event: ShopEvent): Shop {
  switch (event.type) {
    case 'tickets':
      return { ...shop, tickets: remoteAfter(shop.tickets, event.event) };
    case 'orders':
      return { ...shop, orders: ordersAfter(shop.orders, event.event) };
    case 'sending':
      return { ...shop, purchase: { state: 'sending', ticketId: event.ticketId } };
    case 'bought':
      return afterPurchase(shop, event.order);
    case 'refused':
      return afterRefusal(shop, event);
  }
}

export function isBought({ orders }: Shop, ticketId: string): boolean {
  return orders.state === 'loaded' && orders.value.some((order) => order.ticketId === ticketId);
}

/** What has changed, for eyes and screen readers. */
export function announcementOf({ purchase, sessionEnded }: Shop): Announcement | undefined {
  // Where a purchase was refused for it, the ticket says so.
  if (sessionEnded && purchase.state !== 'refused') return { text: 'You are no longer signed in.', tone: 'notice' };
  return purchase.state === 'bought' ? { text: `Bought “${purchase.order.title}”.`, tone: 'success' } : undefined;
}

function ordersAfter(orders: Orders, event: RemoteEvent<readonly Order[]>): Orders {
  if (event.type === 'failed' && isSignedOut(event.problem)) return signedOut;
  return remoteAfter(orders.state === 'signedOut' ? loading : orders, event);
}

function remoteAfter<T>(remote: Remote<T>, event: RemoteEvent<T>): Remote<T> {
  switch (event.type) {
    case 'retried':
      return remote.state === 'failed' ? { ...remote, retrying: true } : remote;
    case 'loaded':
      return { state: 'loaded', value: event.value };
    case 'failed':
      // What is shown is better than an error that it could not be loaded again.
      return remote.state === 'loaded' ? remote : { state: 'failed', problem: event.problem, retrying: false };
  }
}

function afterPurchase(shop: Shop, order: Order): Shop {
  const { orders } = shop;
  return {
    ...shop,
    tickets: withRemaining(shop.tickets, { id: order.ticketId, remaining: (before) => Math.max(0, before - 1) }),
    orders: orders.state === 'loaded' ? { state: 'loaded', value: [order, ...orders.value] } : orders,
    purchase: { state: 'bought', order },
  };
}

function afterRefusal(shop: Shop, refusal: { readonly ticketId: string; readonly problem: Problem }): Shop {
  const { ticketId, problem } = refusal;
  const isSoldOut = problem.code === 'SOLD_OUT';
  return {
    ...shop,
    orders: isSignedOut(problem) ? signedOut : shop.orders,
    tickets: isSoldOut ? withRemaining(shop.tickets, { id: ticketId, remaining: () => 0 }) : shop.tickets,
    purchase: { state: 'refused', ticketId, problem },
  };
}

interface Change {
  readonly id: string;
  readonly remaining: (before: number) => number;
}

function withRemaining(tickets: Shop['tickets'], { id, remaining }: Change): Shop['tickets'] {
  if (tickets.state !== 'loaded') return tickets;
  const value = tickets.value.map((each) =>
    each.id === id ? { ...each, remaining: remaining(each.remaining) } : each,
  );
  return { state: 'loaded', value };
}
