import { UNREACHABLE, UNREADABLE, failed, parseProblem, problemOf, succeeded } from './problem.ts';
import type { Result } from './problem.ts';
import { readCurrentUser, readNothing, readOrder, readOrders, readTickets, readUser } from './replies.ts';
import type { Order, Reader, Ticket, User } from './replies.ts';

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export interface Api {
  readonly currentUser: () => Promise<Result<{ readonly user: User | null }>>;
  readonly signUp: (credentials: Credentials) => Promise<Result<User>>;
  readonly signIn: (credentials: Credentials) => Promise<Result<User>>;
  readonly signOut: () => Promise<Result<null>>;
  readonly tickets: () => Promise<Result<readonly Ticket[]>>;
  readonly orders: () => Promise<Result<readonly Order[]>>;
  readonly buy: (ticketId: string) => Promise<Result<Order>>;
}

type Fetch = (path: string, init: RequestInit) => Promise<Response>;
type Call<T> = { readonly path: string; readonly read: Reader<T> } & (
  { readonly method: 'GET' } | { readonly method: 'POST'; readonly body?: object }
);

const PATIENCE_MS = 15_000;

export function createApi(fetch: Fetch): Api {
  let refreshing: Promise<Result<unknown>> | undefined;

  return {
    currentUser: () => send({ method: 'GET', path: '/api/users/currentuser', read: readCurrentUser }),
    signUp: (body) => send({ method: 'POST', path: '/api/users/signup', body, read: readUser }),
    signIn: (body) => send({ method: 'POST', path: '/api/users/signin', body, read: readUser }),
    signOut: () => send({ method: 'POST', path: '/api/users/signout', read: readNothing }),
    tickets: () => send({ method: 'GET', path: '/api/orders/tickets', read: readTickets }),
    orders: () => sendAsUser({ method: 'GET', path: '/api/orders', read: readOrders }),
    buy: (ticketId) => sendAsUser({ method: 'POST', path: '/api/orders', body: { ticketId }, read: readOrder }),
  };

  async function send<T>(call: Call<T>): Promise<Result<T>> {
    try {
      const response = await fetch(call.path, requestOf(call));
      const body = await bodyOf(response);
      if (!response.ok) return failed(parseProblem(response.status, body));
      const value = call.read(body);
      return value === undefined ? failed(problemOf(UNREADABLE, { status: response.status })) : succeeded(value);
    } catch {
      return failed(problemOf(UNREACHABLE));
    }
  }

  /** Access tokens live for minutes, sessions for weeks: a refused token is renewed once and the request repeated. */
  async function sendAsUser<T>(call: Call<T>): Promise<Result<T>> {
    const first = await send(call);
    if (first.ok || first.problem.status !== 401) return first;
    const renewed = await refresh();
    // Whether the session is over is for the auth service to say, so its refusal is the one that is told.
    return renewed.ok ? send(call) : renewed;
  }

  /** Requests that are refused together share one refresh. */
  function refresh(): Promise<Result<unknown>> {
    refreshing ??= send({ method: 'POST', path: '/api/users/refresh', read: readNothing }).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }
}

function requestOf<T>(call: Call<T>): RequestInit {
  const base: RequestInit = {
    method: call.method,
    credentials: 'same-origin',
    cache: 'no-store',
    signal: AbortSignal.timeout(PATIENCE_MS),
  };
  if (call.method === 'GET' || call.body === undefined) return { ...base, headers: { accept: 'application/json' } };
  return {
    ...base,
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify(call.body),
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
