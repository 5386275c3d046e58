import { UNREACHABLE, UNREADABLE, failed, parseProblem, problemOf, succeeded } from './problem.ts';
import type { Result } from './problem.ts';
import type { Reader } from './reader.ts';
import { retryOf } from './retry.ts';

export type Fetch = (path: string, init: RequestInit) => Promise<Response>;

export type Call<T> = { readonly path: string; readonly read: Reader<T> } & (
  { readonly method: 'GET' | 'DELETE' } | { readonly method: 'POST'; readonly body?: object }
);

/** Never rejects: whatever goes wrong is a Problem. */
export type Send = <T>(call: Call<T>) => Promise<Result<T>>;

const TIMEOUT_MS = 15_000;

export function createSend(fetch: Fetch, now: () => number = Date.now): Send {
  return async (call) => {
    try {
      const response = await fetch(call.path, requestOf(call));
      const body = await bodyOf(response);
      if (!response.ok) {
        const retry = retryOf(response.headers.get('retry-after'), now());
        return failed(parseProblem({ status: response.status, body, retry }));
      }
      const value = call.read(body);
      return value === undefined ? failed(problemOf(UNREADABLE, { status: response.status })) : succeeded(value);
    } catch {
      return failed(problemOf(UNREACHABLE));
    }
  };
}

function requestOf<T>(call: Call<T>): RequestInit {
  const base: RequestInit = {
    method: call.method,
    credentials: 'same-origin',
    cache: 'no-store',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
  if (call.method !== 'POST' || call.body === undefined) return { ...base, headers: { accept: 'application/json' } };
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
