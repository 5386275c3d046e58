import { describe, expect, test } from '@jest/globals';
import { problemOf } from './problem.ts';
import { emptyShop, isBought, shopAfter } from './shop.ts';
import type { Shop, ShopEvent } from './shop.ts';

const ticket = { id: 't1', title: 'Concert', price: { amount: 4200, currency: 'EUR' }, remaining: 2 };
const order = { id: 'o1', ticketId: 't1', title: 'Concert', createdAt: '2026-01-02T03:04:05.000Z' };
const away = problemOf('UNREACHABLE');

const after = (...events: ShopEvent[]): Shop => events.reduce(shopAfter, emptyShop);
const ticketsCame: ShopEvent = { type: 'tickets', event: { type: 'came', value: [ticket] } };
const ordersCame: ShopEvent = { type: 'orders', event: { type: 'came', value: [] } };
const open = [ticketsCame, ordersCame];

describe('a purchase', () => {
  test('is listed at once and leaves one ticket less', () => {
    const shop = after(...open, { type: 'buying', ticketId: 't1' }, { type: 'bought', order });
    expect(shop.orders).toEqual({ state: 'loaded', value: [order] });
    expect(shop.tickets).toMatchObject({ value: [{ remaining: 1 }] });
    expect(isBought(shop, 't1')).toBe(true);
  });

  test('of a ticket that has sold out meanwhile shows it as sold out', () => {
    const shop = after(...open, { type: 'refused', ticketId: 't1', problem: problemOf('SOLD_OUT') });
    expect(shop.tickets).toMatchObject({ value: [{ remaining: 0 }] });
    expect(shop.purchase).toMatchObject({ state: 'refused', ticketId: 't1' });
  });

  test('that is refused for another reason changes no count', () => {
    const shop = after(...open, { type: 'refused', ticketId: 't1', problem: away });
    expect(shop.tickets).toEqual({ state: 'loaded', value: [ticket] });
  });
});

describe('a service that is away', () => {
  test('is told, and a second try is visible', () => {
    const failed = after({ type: 'tickets', event: { type: 'failed', problem: away } });
    expect(failed.tickets).toEqual({ state: 'failed', problem: away, retrying: false });
    expect(shopAfter(failed, { type: 'tickets', event: { type: 'asked' } }).tickets).toMatchObject({ retrying: true });
  });

  test('takes nothing away that is shown already', () => {
    const shop = after(...open, { type: 'orders', event: { type: 'failed', problem: away } });
    expect(shop.orders).toEqual({ state: 'loaded', value: [] });
  });
});

test('another visitor sees nothing of the last one', () => {
  const shop = after(...open, { type: 'bought', order }, { type: 'visitorChanged' });
  expect(shop.orders).toEqual({ state: 'loading' });
  expect(shop.purchase).toEqual({ state: 'none' });
  expect(isBought(shop, 't1')).toBe(false);
});
