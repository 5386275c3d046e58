import { problemOf } from '@authstack/page/problem.ts';
import { describe, expect, test } from '@jest/globals';
import { announcementOf, emptyShop, isBought, shopAfter } from './shop.ts';
import type { Shop, ShopEvent } from './shop.ts';

const ticket = { id: 't1', title: 'Concert', price: { amount: 4200, currency: 'EUR' }, remaining: 2 };
const order = { id: 'o1', ticketId: 't1', title: 'Concert', createdAt: '2026-01-02T03:04:05.000Z' };
const unreachable = problemOf('UNREACHABLE');
const sessionEnded = problemOf('SESSION_INVALID', { status: 401 });

const after = (...events: ShopEvent[]): Shop => events.reduce(shopAfter, emptyShop);
const ticketsLoaded: ShopEvent = { type: 'tickets', event: { type: 'loaded', value: [ticket] } };
const ordersLoaded: ShopEvent = { type: 'orders', event: { type: 'loaded', value: [] } };
const loaded = [ticketsLoaded, ordersLoaded];

describe('a purchase', () => {
  test('is listed at once and leaves one ticket fewer', () => {
    const shop = after(...loaded, { type: 'sending', ticketId: 't1' }, { type: 'bought', order });
    expect(shop.orders).toEqual({ state: 'loaded', value: [order] });
    expect(shop.tickets).toMatchObject({ value: [{ remaining: 1 }] });
    expect(isBought(shop, 't1')).toBe(true);
    expect(announcementOf(shop)).toEqual({ text: 'Bought “Concert”.', tone: 'success' });
  });

  test('of a ticket that has sold out meanwhile shows it as sold out', () => {
    const shop = after(...loaded, { type: 'refused', ticketId: 't1', problem: problemOf('SOLD_OUT') });
    expect(shop.tickets).toMatchObject({ value: [{ remaining: 0 }] });
    expect(shop.purchase).toMatchObject({ state: 'refused', ticketId: 't1' });
  });

  test('that is refused for another reason changes no count', () => {
    const shop = after(...loaded, { type: 'refused', ticketId: 't1', problem: unreachable });
    expect(shop.tickets).toEqual({ state: 'loaded', value: [ticket] });
    expect(announcementOf(shop)).toBeUndefined();
  });

  test('that finds the session ended signs the visitor out of the shop', () => {
    const shop = after(
      ...loaded,
      { type: 'bought', order },
      { type: 'refused', ticketId: 't2', problem: sessionEnded },
    );
    expect(shop.orders).toEqual({ state: 'signedOut' });
    expect(isBought(shop, 't1')).toBe(false);
    expect(shop.purchase).toMatchObject({ state: 'refused', ticketId: 't2' });
    expect(announcementOf(shop)).toBeUndefined();
  });
});

describe('a service that is away', () => {
  test('is reported, and a retry is visible', () => {
    const failed = after({ type: 'tickets', event: { type: 'failed', problem: unreachable } });
    expect(failed.tickets).toEqual({ state: 'failed', problem: unreachable, retrying: false });
    const retried = shopAfter(failed, { type: 'tickets', event: { type: 'retried' } });
    expect(retried.tickets).toMatchObject({ retrying: true });
  });

  test('removes nothing that is shown already', () => {
    const shop = after(...loaded, { type: 'orders', event: { type: 'failed', problem: unreachable } });
    expect(shop.orders).toEqual({ state: 'loaded', value: [] });
  });
});

describe('a visitor', () => {
  test('without orders of their own is not signed in', () => {
    const problem = problemOf('UNAUTHENTICATED', { status: 401 });
    expect(after({ type: 'orders', event: { type: 'failed', problem } }).orders).toEqual({ state: 'signedOut' });
  });

  test('whose session has ended sees no orders any more', () => {
    const shop = after(...loaded, { type: 'orders', event: { type: 'failed', problem: sessionEnded } });
    expect(shop.orders).toEqual({ state: 'signedOut' });
    expect(announcementOf(shop)).toMatchObject({ tone: 'notice' });
  });

  test('who signs in again is told no longer that they are not', () => {
    const problem = sessionEnded;
    const shop = after(...loaded, { type: 'orders', event: { type: 'failed', problem } }, ordersLoaded);
    expect(announcementOf(shop)).toBeUndefined();
  });

  test('who comes without a session is told nothing of its end', () => {
    const problem = problemOf('UNAUTHENTICATED', { status: 401 });
    expect(announcementOf(after({ type: 'orders', event: { type: 'failed', problem } }))).toBeUndefined();
  });
});
