import { ApiError } from './api-error.ts';
import type { ApiClient, ApiRequest } from './api-request.ts';
import type { Clock } from './clock.ts';
import { wait } from './clock.ts';
import type { Millis } from './objects.ts';

/** client-go's rest client asks as often as this. */
const TRIES = 10;
/** What a server may ask for; a pass has its own deadline anyway. */
const LONGEST: Millis = 30_000;

/**
 * A client that waits as long as a busy API server asks (429 with Retry-After) and then asks again. The request was not
 * carried out, so nothing is done twice.
 */
export function honouringRetryAfter(client: ApiClient, clock: Clock): ApiClient {
  async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await ask();
      } catch (error) {
        const pause = tries < TRIES ? pauseAskedBy(error) : undefined;
        if (pause === undefined) throw error;
        await wait(clock, Math.min(pause, LONGEST), signal);
      }
    }
  }
  return {
    send: <T>(request: ApiRequest) => patiently(request.signal, () => client.send<T>(request)),
    stream: (request) => patiently(request.signal, () => client.stream(request)),
    close: () => client.close(),
  };
}

function pauseAskedBy(error: unknown): Millis | undefined {
  return error instanceof ApiError && error.status === 429 ? error.retryAfter : undefined;
}

/** Of the header (RFC 9110): the API server always sends seconds. */
export function retryAfterOf(header: string | string[] | undefined): Millis | undefined {
  const seconds = typeof header === 'string' && header.trim() !== '' ? Number(header) : NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
