import type { Logger } from 'pino';
import { NoPlace, Places } from '@authstack/verify/places';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ClientGone } from '../http/hang-up.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { TooManyAttempts } from './errors.ts';
import { renewalsOfClient, renewalsOfSession } from './limits.ts';

export interface RenewalBy {
  readonly client: string;
  /** What the session token says it is of; it may be invented. */
  readonly session: string;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface ClientRenewalsPorts {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'throttled'>;
}

interface Refusal {
  readonly by: 'client' | 'session';
  readonly client: string;
  readonly wait: number;
}

/** Of one client one line a minute: a flood must not flood the log. */
const AUDIT_EVERY_SECONDS = 60;

/**
 * How much of a pod the clients may have renewed. What is invented uses up nothing that is counted, for nobody can tell a junk
 * session from a real one but by looking; it takes a place while it is looked up, and there its client's own requests wait in
 * the order in which they came:
 *
 *     each client ─▸ places of its own, and a line before them      each real session ─▸ so many renewals a minute
 *
 * By pod and from memory: a renewal costs the database one read, and a counter there would cost it a write.
 */
export class ClientRenewals {
  private readonly ports: ClientRenewalsPorts;
  private readonly places: Map<string, { readonly of: Places; users: number }> = new Map();
  private readonly renewed: RateLimiterMemory = new RateLimiterMemory({
    points: renewalsOfSession.points,
    duration: renewalsOfSession.seconds,
  });
  private readonly audited: RateLimiterMemory = new RateLimiterMemory({ points: 1, duration: AUDIT_EVERY_SECONDS });

  constructor(ports: ClientRenewalsPorts) {
    this.ports = ports;
  }

  /** @throws TooManyAttempts */
  async admit<T>({ client, session, signal }: RenewalBy, work: () => Promise<T>): Promise<T> {
    const hasHungUp = (): boolean => signal.aborted;
    const used = await this.renewed.get(session);
    if (used && used.remainingPoints <= 0) await this.refuse({ by: 'session', client, wait: used.msBeforeNext });
    // Places notice only what happens while it waits.
    if (hasHungUp()) throw new ClientGone();
    try {
      const result = await this.inPlaceOf(client, work, signal);
      // Only of sessions that are real: what is invented must not fill the memory.
      await this.renewed.consume(session).catch(notARefusal);
      return result;
    } catch (error) {
      // While it waited for a place.
      if (hasHungUp()) throw new ClientGone();
      if (error instanceof NoPlace) {
        return await this.refuse({ by: 'client', client, wait: renewalsOfClient.retryAfter });
      }
      throw error;
    }
  }

  private async inPlaceOf<T>(client: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const places = this.places.get(client) ?? { of: new Places(renewalsOfClient), users: 0 };
    this.places.set(client, places);
    places.users += 1;
    try {
      return await places.of.run(work, signal);
    } finally {
      places.users -= 1;
      if (places.users === 0) this.places.delete(client);
    }
  }

  private async refuse({ by, client, wait }: Refusal): Promise<never> {
    const { log, metrics } = this.ports;
    const operation = 'refresh';
    metrics.throttled.inc({ operation, by });
    const error = new TooManyAttempts(wait);
    const isNew = await this.audited.consume(`${by} ${client}`).then(
      () => true,
      () => false,
    );
    const { retryAfterSeconds } = error;
    if (isNew) log.warn({ audit: 'throttled', operation, by, client, retryAfterSeconds }, 'security event');
    throw error;
  }
}

/** Renewals that were under way at once may be more than are left. */
function notARefusal(reason: unknown): void {
  if (!(reason instanceof RateLimiterRes)) throw reason;
}
