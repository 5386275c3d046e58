import { createHash } from 'node:crypto';
import { askAuth } from './ask-auth.ts';
import type { Refreshed } from './ask-auth.ts';
import type { Clock, Millis } from './clock.ts';
import { InlineRefreshOff, RefreshUnavailable, SessionRefused, VerifyError } from './errors.ts';
import { Places } from './places.ts';
import type { ServiceClient } from './service-client.ts';
import { ShortMemory } from './short-memory.ts';
import type { Trust } from './trust.ts';

export interface Renewal {
  /** What the browser sent as session token; anybody can send anything. */
  readonly sessionToken: string;
  /** The session of the token that has ended. */
  readonly sid: string;
  /** Whether the signature of that token holds. Otherwise its key is gone, and anybody may have written it. */
  readonly isProven: boolean;
  readonly trust: Trust;
}

/** From the request's arrival to the answer, a wait for a place included. */
const TIMEOUT: Millis = 2_000;
/** The one entry of that memory. */
const ALL = 'all';
/** What RFC 6265 lets a cookie hold. */
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,1024}$/;

/** In all: how many are asked at once, and how many more wait for that. What is not proven never takes a place of what is. */
const places = { proven: { places: 32, waiting: 256 }, unproven: { places: 8, waiting: 256 } };
/** A session token that was refused stays so; within this time nobody is asked again. */
const refusals = { lifetime: 10_000, capacity: 10_000 };
/** For each session (`sid`): how many answers within a time. A browser needs one in the life of a token. */
const answers = { limit: 10, lifetime: 10_000, capacity: 10_000 };
/** Of all that are not proven together: how many are refused within a time. Those that are renewed do not count. */
const unprovenRefusals = { limit: 50, lifetime: 10_000, capacity: 1 };
/** How long nobody is asked for more tokens of a key that this service lacks, if the mounted Secret stays as it is. */
const LACKING: Millis = 2_000;

export interface RefresherOptions {
  readonly clock: Clock;
  readonly client: ServiceClient;
}

interface Line {
  readonly places: Places;
  readonly answered: ShortMemory<{ count: number }>;
}

/**
 * Asks the auth service for new access tokens, and never more of it than honest browsers need. Whoever holds one expired token
 * can send it with any number of invented session tokens, so each bound is there for its own kind of flood:
 *
 *     the same session at once ─▸ one request    the same refused session ─▸ none    one sid ─▸ ten answers in 10 s
 *     many sids ─▸ 32 at once, 256 wait, the rest is a 503
 *
 * Where the key of the token is gone, not even that token is needed to begin with, so there are bounds of their own:
 *
 *     in all ─▸ 8 at once, and after 50 refusals in 10 s no more     no new token verifies here ─▸ one request in 2 s
 */
export class Refresher {
  private readonly inFlight = new Map<string, Promise<Refreshed>>();
  private readonly refused: ShortMemory<true>;
  private readonly proven: Line;
  private readonly unproven: Line;
  private readonly unprovenRefusals: ShortMemory<{ count: number }>;
  private lacking: { readonly trust: Trust; readonly until: Millis } | undefined;
  private readonly clock: Clock;
  private readonly client: ServiceClient;

  constructor({ clock, client }: RefresherOptions) {
    this.clock = clock;
    this.client = client;
    this.refused = new ShortMemory({ clock, ...refusals });
    this.proven = { places: new Places(places.proven), answered: new ShortMemory({ clock, ...answers }) };
    this.unproven = { places: new Places(places.unproven), answered: new ShortMemory({ clock, ...answers }) };
    this.unprovenRefusals = new ShortMemory({ clock, ...unprovenRefusals });
  }

  /**
   * Throws SessionRefused when the session has ended, InlineRefreshOff when no service may renew tokens, and RefreshUnavailable
   * when there is no answer to that.
   */
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
    const budget = this.budgetOf(renewal);
    budget.count += 1;
    try {
      return await this.ask(renewal);
    } catch (error) {
      if (error instanceof SessionRefused) this.refuse(renewal, key);
      else if (error instanceof InlineRefreshOff) this.countRefusal(renewal);
      else budget.count -= 1;
      throw error;
    }
  }

  /** The session was renewed, and is not the one of the token. */
  ofAnotherSession(renewal: Renewal): SessionRefused {
    this.countRefusal(renewal);
    return new SessionRefused();
  }

  /** The new token is of a key that is not mounted yet. */
  lacksNewKey(trust: Trust): void {
    this.lacking = { trust, until: this.clock.now() + LACKING };
  }

  private refuse(renewal: Renewal, key: string): void {
    this.refused.set(key, true);
    this.countRefusal(renewal);
  }

  private countRefusal({ isProven }: Renewal): void {
    if (isProven) return;
    const known = this.unprovenRefusals.get(ALL);
    if (known) known.count += 1;
    else this.unprovenRefusals.set(ALL, { count: 1 });
  }

  /** Throws RefreshUnavailable: nothing is known against the session. */
  private checkUnproven(trust: Trust): void {
    if (this.lacking?.trust === trust && this.clock.now() < this.lacking.until) {
      throw new RefreshUnavailable({ cause: new Error('the key that signs now is not mounted here yet') });
    }
    const { count } = this.unprovenRefusals.get(ALL) ?? { count: 0 };
    if (count < unprovenRefusals.limit) return;
    const retryAfterSeconds = Math.ceil(this.unprovenRefusals.remaining(ALL) / 1000);
    throw new RefreshUnavailable({ retryAfterSeconds, cause: new Error('too many refused tokens of unknown keys') });
  }

  private budgetOf(renewal: Renewal): { count: number } {
    const { sid } = renewal;
    const { answered } = this.lineOf(renewal);
    const known = answered.get(sid);
    if (known && known.count >= answers.limit) {
      const retryAfterSeconds = Math.ceil(answered.remaining(sid) / 1000);
      throw new RefreshUnavailable({ retryAfterSeconds, cause: new Error('too many session tokens for one session') });
    }
    const budget = known ?? { count: 0 };
    if (!known) answered.set(sid, budget);
    return budget;
  }

  /** Each has its own, so that nothing that anybody can write uses up what an expired token of ours is given. */
  private lineOf({ isProven }: Renewal): Line {
    return isProven ? this.proven : this.unproven;
  }

  private async ask(renewal: Renewal): Promise<Refreshed> {
    const { sessionToken, trust, isProven } = renewal;
    const timeout = new AbortController();
    const cancel = this.clock.after(TIMEOUT, () => {
      timeout.abort(new Error(`no answer within ${TIMEOUT} ms`));
    });
    try {
      const { signal } = timeout;
      return await this.lineOf(renewal).places.run(async () => {
        // Not before: while it waited for the place, others were refused.
        if (!isProven) this.checkUnproven(trust);
        return askAuth(sessionToken, trust, { client: this.client, signal });
      }, signal);
    } catch (error) {
      if (error instanceof VerifyError || error instanceof InlineRefreshOff) throw error;
      const cause: unknown = timeout.signal.aborted ? timeout.signal.reason : error;
      throw new RefreshUnavailable({ cause });
    } finally {
      cancel();
    }
  }
}

/** Session tokens themselves are not kept. */
function digestOf(sessionToken: string): string {
  return createHash('sha256').update(sessionToken).digest('base64url');
}
