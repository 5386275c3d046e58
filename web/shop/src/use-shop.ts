import { useCallback, useEffect, useReducer } from 'react';
import type { Api } from './api.ts';
import { emptyShop, shopAfter } from './shop.ts';
import type { Shop } from './shop.ts';

export interface ShopControl {
  readonly shop: Shop;
  readonly retryTickets: () => void;
  readonly retryOrders: () => void;
  readonly buy: (ticketId: string) => void;
}

export function useShop(api: Api): ShopControl {
  const [shop, dispatch] = useReducer(shopAfter, emptyShop);

  const loadTickets = useCallback(() => {
    void api.tickets().then((answer) => {
      if (answer.ok) dispatch({ type: 'tickets', event: { type: 'loaded', value: answer.value } });
      else dispatch({ type: 'tickets', event: { type: 'failed', problem: answer.problem } });
    });
  }, [api]);

  const loadOrders = useCallback(() => {
    void api.orders().then((answer) => {
      if (answer.ok) dispatch({ type: 'orders', event: { type: 'loaded', value: answer.value } });
      else dispatch({ type: 'orders', event: { type: 'failed', problem: answer.problem } });
    });
  }, [api]);

  const retryTickets = useCallback(() => {
    dispatch({ type: 'tickets', event: { type: 'retried' } });
    loadTickets();
  }, [loadTickets]);

  const retryOrders = useCallback(() => {
    dispatch({ type: 'orders', event: { type: 'retried' } });
    loadOrders();
  }, [loadOrders]);

  useEffect(loadTickets, [loadTickets]);
  useReload(loadOrders);

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

/** Loads now, and again when the browser restores the page from its cache: the visitor may have signed in or out meanwhile. */
function useReload(load: () => void): void {
  useEffect(() => {
    load();
    const shown = ({ persisted }: PageTransitionEvent): void => {
      if (persisted) load();
    };
    addEventListener('pageshow', shown);
    return () => {
      removeEventListener('pageshow', shown);
    };
  }, [load]);
}
