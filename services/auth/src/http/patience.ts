import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Millis } from '@authstack/http-service/clock';

/** So long a client waits for the database, however much is asked of it for one request: through an assisted election, not longer. */
export const CLIENT_WAITS: Millis = 3_000;

interface Patience {
  readonly clock: Clock;
  endsAt: Millis;
}

const patience = new AsyncLocalStorage<Patience>();

/** All that the work asks the database is asked for one client, who waits as long for all of it as for a part. */
export function forOneClient<T>(clock: Clock, work: () => T): T {
  return patience.run({ clock, endsAt: clock.monotonic() + CLIENT_WAITS }, work);
}

/** Waiting for something else than the database does not count. */
export async function notCounted<T>(work: () => Promise<T>): Promise<T> {
  const client = patience.getStore();
  if (!client) return work();
  const begun = client.clock.monotonic();
  try {
    return await work();
  } finally {
    client.endsAt += client.clock.monotonic() - begun;
  }
}

/** How long the client of this request still waits; Infinity where none does. */
export function patienceLeft(): Millis {
  const client = patience.getStore();
  return client ? Math.max(0, client.endsAt - client.clock.monotonic()) : Infinity;
}
