import { failed, problemOf } from '@authstack/page/problem.ts';
import type { Problem, Result } from '@authstack/page/problem.ts';
import { readNothing } from '@authstack/page/reader.ts';
import type { Call, Send } from '@authstack/page/request.ts';
import { readOrder, readOrders, readTickets } from './replies.ts';
import type { Order, Ticket } from './replies.ts';

/** The orders service. Only an expired access token needs the auth service, which both share an address with. */
export interface Api {
  readonly tickets: () => Promise<Result<readonly Ticket[]>>;
  readonly orders: () => Promise<Result<readonly Order[]>>;
  readonly buy: (ticketId: string) => Promise<Result<Order>>;
}

/** A code of the page's own: the access token could not be renewed, because nobody answered. */
export const SIGN_IN_UNREACHABLE = 'SIGN_IN_UNREACHABLE';

/** Whatever the 401 is about, it is settled by signing in. */
export function isSignedOut({ status }: Problem): boolean {
  return status === 401;
}

export function createApi(send: Send): Api {
  let refreshing: Promise<Result<unknown>> | undefined;

  return {
    tickets: () => send({ method: 'GET', path: '/api/orders/tickets', read: readTickets }),
    orders: () => sendAsUser({ method: 'GET', path: '/api/orders', read: readOrders }),
    buy: (ticketId) => sendAsUser({ method: 'POST', path: '/api/orders', body: { ticketId }, read: readOrder }),
  };

  /** Access tokens last for minutes, sessions for weeks: a refused token is renewed once and the request repeated. */
  async function sendAsUser<T>(call: Call<T>): Promise<Result<T>> {
    const first = await send(call);
    if (first.ok || !isRefusedToken(first.problem)) return first;
    const renewed = await refresh();
    if (renewed.ok) return send(call);
    return isSignedOut(renewed.problem) ? renewed : failed(problemOf(SIGN_IN_UNREACHABLE));
  }

  /** Requests that are refused together share one refresh. */
  function refresh(): Promise<Result<unknown>> {
    refreshing ??= send({ method: 'POST', path: '/api/users/refresh', read: readNothing }).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }
}

/** Without a token there is no session either: a browser keeps both cookies equally long. */
function isRefusedToken({ status, code }: Problem): boolean {
  return status === 401 && code !== 'UNAUTHENTICATED';
}
