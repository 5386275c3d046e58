import { oneAtATime } from '@authstack/page/one-at-a-time.ts';
import type { SessionChanges } from '@authstack/page/session-changes.ts';
import { useCallback, useEffect, useMemo, useReducer } from 'react';
import type { Api } from './api.ts';
import { emptyShop, shopAfter } from './shop.ts';
import type { Shop } from './shop.ts';

export interface ShopControl {
  readonly shop: Shop;
  readonly retryTickets: () => void;
  readonly retryOrders: () => void;
  readonly buy: (ticketId: string) => void;
}

export function useShop(api: Api, changes: SessionChanges): ShopControl {
  const [shop, dispatch] = useReducer(shopAfter, emptyShop);

  const loadTickets = useCallback(() => {
    void api.tickets().then((answer) => {
      if (answer.ok) dispatch({ type: 'tickets', event: { type: 'loaded', value: answer.value } });
      else dispatch({ type: 'tickets', event: { type: 'failed', problem: answer.problem } });
    });
  }, [api]);

  const loadOrders = useMemo(
    () =>
      oneAtATime(async () => {
        const answer = await api.orders();
        if (answer.ok) dispatch({ type: 'orders', event: { type: 'loaded', value: answer.value } });
        else dispatch({ type: 'orders', event: { type: 'failed', problem: answer.problem } });
      }),
    [api],
  );

  const retryTickets = useCallback(() => {
    dispatch({ type: 'tickets', event: { type: 'retried' } });
    loadTickets();
  }, [loadTickets]);

  const retryOrders = useCallback(() => {
    dispatch({ type: 'orders', event: { type: 'retried' } });
    loadOrders();
  }, [loadOrders]);

  useEffect(loadTickets, [loadTickets]);
  useEffect(loadOrders, [loadOrders]);
  // Whose orders they are may have changed on another page.
  useEffect(() => changes.follow(loadOrders), [changes, loadOrders]);

  const isSending = shop.purchase.state === 'sending';
  const buy = useCallback(
    (ticketId: string) => {
      if (isSending) return;
      dispatch({ type: 'sending', ticketId });
      void api.buy(ticketId).then((answer) => {
        if (answer.ok) {
          dispatch({ type: 'bought', order: answer.value });
          return;
        }
        dispatch({ type: 'refused', ticketId, problem: answer.problem });
        if (answer.problem.code === 'ALREADY_BOUGHT') loadOrders();
      });
    },
    [api, isSending, loadOrders],
  );

  return { shop, retryTickets, retryOrders, buy };
}
