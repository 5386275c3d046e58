import { useCallback, useEffect, useReducer, useRef } from 'react';
import type { Api } from './api.ts';
import { SIGN_IN_FIRST, endsSession, problemOf } from './problem.ts';
import type { Session } from './session.ts';
import { emptyShop, shopAfter } from './shop.ts';
import type { Shop } from './shop.ts';

export interface ShopControl {
  readonly shop: Shop;
  readonly loadTickets: () => void;
  readonly loadOrders: () => void;
  readonly buy: (ticketId: string) => void;
}

interface Visit {
  readonly session: Session;
  readonly onExpired: () => void;
}

export function useShop(api: Api, { session, onExpired }: Visit): ShopControl {
  const [shop, dispatch] = useReducer(shopAfter, emptyShop);
  const userId = session.state === 'signedIn' ? session.user.id : undefined;
  // Answers that come after the visitor has changed are about somebody else.
  const visitor = useRef(userId);

  const loadTickets = useCallback(() => {
    dispatch({ type: 'tickets', event: { type: 'asked' } });
    void api.tickets().then((answer) => {
      if (answer.ok) dispatch({ type: 'tickets', event: { type: 'came', value: answer.value } });
      else dispatch({ type: 'tickets', event: { type: 'failed', problem: answer.problem } });
    });
  }, [api]);

  const loadOrders = useCallback(() => {
    const asker = visitor.current;
    dispatch({ type: 'orders', event: { type: 'asked' } });
    void api.orders().then((answer) => {
      if (visitor.current !== asker) return;
      if (answer.ok) dispatch({ type: 'orders', event: { type: 'came', value: answer.value } });
      else if (endsSession(answer.problem)) onExpired();
      else dispatch({ type: 'orders', event: { type: 'failed', problem: answer.problem } });
    });
  }, [api, onExpired]);

  useEffect(loadTickets, [loadTickets]);

  useEffect(() => {
    visitor.current = userId;
    dispatch({ type: 'visitorChanged' });
    if (userId !== undefined) loadOrders();
  }, [userId, loadOrders]);

  const isSignedOut = session.state === 'signedOut';
  const isBuying = shop.purchase.state === 'buying';
  const buy = useCallback(
    (ticketId: string) => {
      if (isBuying) return;
      if (isSignedOut) {
        dispatch({ type: 'refused', ticketId, problem: problemOf(SIGN_IN_FIRST) });
        return;
      }
      const buyer = visitor.current;
      dispatch({ type: 'buying', ticketId });
      void api.buy(ticketId).then((answer) => {
        if (visitor.current !== buyer) return;
        if (answer.ok) {
          dispatch({ type: 'bought', order: answer.value });
          return;
        }
        dispatch({ type: 'refused', ticketId, problem: answer.problem });
        if (endsSession(answer.problem)) onExpired();
        if (answer.problem.code === 'ALREADY_BOUGHT') loadOrders();
      });
    },
    [api, isBuying, isSignedOut, loadOrders, onExpired],
  );

  return { shop, loadTickets, loadOrders, buy };
}
