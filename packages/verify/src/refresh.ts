import { createHash } from 'node:crypto';
import { askAuth } from './ask-auth.ts';
import type { Refreshed } from './ask-auth.ts';
import type { Clock, Millis } from './clock.ts';
import { RefreshUnavailable, SessionRefused, VerifyError } from './errors.ts';
import { Places } from './places.ts';
import { ShortMemory } from './short-memory.ts';
import type { Trust } from './trust.ts';

export interface Renewal {
  /** What the browser sent as session token; anybody can send anything. */
  readonly sessionToken: string;
  /** The session of the expired token, whose signature holds. */
  readonly sid: string;
  readonly trust: Trust;
}

/** From the request's arrival to the answer, a wait for a place included. */
const TIMEOUT: Millis = 2_000;
/** What RFC 6265 lets a cookie hold. */
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,1024}$/;

/** In all: how many are asked at once, and how many more wait for that. */
const places = { places: 32, waiting: 256 };
/** A session token that was refused stays so; within this time nobody is asked again. */
const refusals = { lifetime: 10_000, capacity: 10_000 };
/** For each session (`sid`): how many answers within a time. A browser needs one in the life of a token. */
const answers = { limit: 10, lifetime: 10_000, capacity: 10_000 };

/**
 * Asks the auth service for new access tokens, and never more of it than honest browsers need. Whoever holds one expired token
 * can send it with any number of invented session tokens, so each bound is there for its own kind of flood:
 *
 *     the same session at once ─▸ one request    the same refused session ─▸ none    one sid ─▸ ten answers in 10 s
 *     many sids ─▸ 32 at once, 256 wait, the rest is a 503
 */
export class Refresher {
  private readonly inFlight = new Map<string, Promise<Refreshed>>();
  private readonly places = new Places(places);
  private readonly refused: ShortMemory<true>;
  private readonly answered: ShortMemory<{ count: number }>;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
    this.refused = new ShortMemory({ clock, ...refusals });
    this.answered = new ShortMemory({ clock, ...answers });
  }

  /** Throws SessionRefused when the session has ended, and RefreshUnavailable when there is no answer to that. */
  async refresh(renewal: Renewal): Promise<Refreshed> {
    const { sessionToken } = renewal;
    if (!COOKIE_VALUE.test(sessionToken)) throw new SessionRefused();
    const key = digestOf(sessionToken);
    if (this.refused.get(key)) throw new SessionRefused();
    const known = this.inFlight.get(key);
    if (known) return known;
    const request = this.withinBudget(renewal, key).finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, request);
    return request;
  }

  /** Only answers count: while the auth service is away, nobody uses up what they need when it is back. */
  private async withinBudget(renewal: Renewal, key: string): Promise<Refreshed> {
    const budget = this.budgetOf(renewal.sid);
    budget.count += 1;
    try {
      return await this.ask(renewal);
    } catch (error) {
      if (error instanceof SessionRefused) this.refused.set(key, true);
      else budget.count -= 1;
      throw error;
    }
  }

  private budgetOf(sid: string): { count: number } {
    const known = this.answered.get(sid);
    if (known && known.count >= answers.limit) {
      const retryAfterSeconds = Math.ceil(this.answered.remaining(sid) / 1000);
      throw new RefreshUnavailable({ retryAfterSeconds, cause: new Error('too many session tokens for one session') });
    }
    const budget = known ?? { count: 0 };
    if (!known) this.answered.set(sid, budget);
    return budget;
  }

  private async ask({ sessionToken, trust }: Renewal): Promise<Refreshed> {
    const timeout = new AbortController();
    const cancel = this.clock.after(TIMEOUT, () => {
      timeout.abort(new Error(`no answer within ${TIMEOUT} ms`));
    });
    try {
      const { signal } = timeout;
      return await this.places.run(() => askAuth(sessionToken, trust, { clock: this.clock, signal }), signal);
    } catch (cause) {
      throw cause instanceof VerifyError ? cause : new RefreshUnavailable({ cause });
    } finally {
      cancel();
    }
  }
}

/** Session tokens themselves are not kept. */
function digestOf(sessionToken: string): string {
  return createHash('sha256').update(sessionToken).digest('base64url');
}
