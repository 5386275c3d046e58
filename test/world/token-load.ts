import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import type { Within } from './eventually.ts';
import { partsOf } from './show-token.ts';
import type { Shown, TakesTokens } from './show-token.ts';

/** A valid token that was refused. */
export interface Refusal {
  readonly service: string;
  readonly kid: string;
  readonly at: string;
  readonly why: string;
}

export interface LoadReport {
  readonly services: readonly {
    readonly service: string;
    readonly accepted: number;
    /** Nobody looked at the token: the service was not there. */
    readonly unanswered: number;
    /** Of the keys whose tokens it accepted, in the order in which it met them. */
    readonly kids: readonly string[];
  }[];
  readonly refusals: readonly Refusal[];
  /** Why no token was issued, each time. */
  readonly notIssued: readonly string[];
}

interface Token {
  readonly text: string;
  readonly kid: string;
  readonly expiresAt: number;
}

interface Tally {
  accepted: number;
  unanswered: number;
  /** By kid, when it was accepted or refused last, in milliseconds since the epoch. */
  readonly acceptedAt: Map<string, number>;
  readonly refusedAt: Map<string, number>;
}

const ISSUE_EVERY = 500;
/** Between two tokens that one service is shown: the cluster has two cores, and other scenarios run beside this one. */
const SHOW_EVERY = 100;
/** Nothing is shown that may expire on its way. */
const EXPIRES_AFTER = 3_000;

/**
 * Shows tokens to services without an end, to each one after the other: the newest, the one that expires first, and one of
 * each key in turns. All are valid, so each refusal is a fault.
 */
export class TokenLoad implements AsyncDisposable {
  private readonly issue: () => Promise<string>;
  private readonly tallies = new Map<string, Tally>();
  private readonly refusals: Refusal[] = [];
  private readonly notIssued: string[] = [];
  private readonly ending = new AbortController();
  private readonly work: Promise<void>[] = [];
  private tokens: readonly Token[] = [];

  private constructor(issue: () => Promise<string>) {
    this.issue = issue;
  }

  /** @param issue answers a token that was issued just now. */
  static start(issue: () => Promise<string>, services: readonly TakesTokens[]): TokenLoad {
    const load = new TokenLoad(issue);
    load.work.push(load.keepIssuing());
    for (const service of services) load.add(service);
    return load;
  }

  add(service: TakesTokens): void {
    const tally: Tally = { accepted: 0, unanswered: 0, acceptedAt: new Map(), refusedAt: new Map() };
    this.tallies.set(service.name, tally);
    this.work.push(this.keepShowing(service, tally));
  }

  /** This one as well, until it expires. */
  alsoShow(text: string): void {
    this.tokens = [...this.tokens, { text, ...partsOf(text) }];
  }

  /** When the service accepted a token of that key last, in milliseconds since the epoch. */
  acceptedAt(service: string, kid: string): number | undefined {
    return this.tallies.get(service)?.acceptedAt.get(kid);
  }

  async everybodyAccepts(kid: string, within: Within): Promise<void> {
    await this.eventuallyOf(within, `has accepted no token of ${kid}`, ({ acceptedAt }) => acceptedAt.has(kid));
  }

  async everybodyRefuses(kid: string, within: Within): Promise<void> {
    await this.eventuallyOf(
      within,
      `accepts tokens of ${kid}`,
      ({ acceptedAt, refusedAt }) => (refusedAt.get(kid) ?? 0) > (acceptedAt.get(kid) ?? 0),
    );
  }

  report(): LoadReport {
    return {
      services: [...this.tallies].map(([service, { accepted, unanswered, acceptedAt }]) => ({
        ...{ service, accepted, unanswered, kids: [...acceptedAt.keys()] },
      })),
      refusals: this.refusals,
      notIssued: this.notIssued,
    };
  }

  /** Stops, and waits for what is under way. */
  async end(): Promise<LoadReport> {
    this.ending.abort();
    await Promise.all(this.work);
    return this.report();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  private async eventuallyOf(within: Within, fault: string, holds: (tally: Tally) => boolean): Promise<void> {
    await eventually(() => {
      const others = [...this.tallies].filter(([, tally]) => !holds(tally)).map(([name]) => name);
      return others.length === 0 ? Promise.resolve() : Promise.reject(new Error(`${others.join(', ')} ${fault}`));
    }, within);
  }

  private async keepIssuing(): Promise<void> {
    await this.untilTheEnd(ISSUE_EVERY, async () => {
      try {
        this.alsoShow(await this.issue());
      } catch (error) {
        this.notIssued.push(String(error));
      }
    });
  }

  private async keepShowing(service: TakesTokens, tally: Tally): Promise<void> {
    let turn = 0;
    await this.untilTheEnd(SHOW_EVERY, async () => {
      const token = this.choose(turn);
      turn += 1;
      if (token) this.note(service, { tally, token, shown: await service.show(token.text) });
    });
  }

  private choose(turn: number): Token | undefined {
    this.tokens = this.tokens.filter(({ expiresAt }) => Date.now() < expiresAt - EXPIRES_AFTER);
    const byExpiry = this.tokens.toSorted((a, b) => a.expiresAt - b.expiresAt);
    if (turn % 3 === 0) return byExpiry.at(-1);
    if (turn % 3 === 1) return byExpiry[0];
    const ofEachKey = [...Map.groupBy(byExpiry, ({ kid }) => kid).values()];
    return ofEachKey[Math.floor(turn / 3) % Math.max(1, ofEachKey.length)]?.at(-1);
  }

  private note(
    { name: service }: TakesTokens,
    { tally, token: { kid }, shown }: { readonly tally: Tally; readonly token: Token; readonly shown: Shown },
  ): void {
    if (shown === 'accepted') {
      tally.accepted += 1;
      tally.acceptedAt.set(kid, Date.now());
    } else if ('refused' in shown) {
      tally.refusedAt.set(kid, Date.now());
      this.refusals.push({ service, kid, at: new Date().toISOString(), why: shown.refused });
    } else tally.unanswered += 1;
  }

  private async untilTheEnd(every: number, step: () => Promise<void>): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      await step();
      await pause(every, undefined, { signal }).catch(() => undefined);
    }
  }
}
