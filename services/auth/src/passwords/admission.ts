import type { Clock, Millis } from '@authstack/http-service/clock';
import { AuthError } from '../errors.ts';
import { ClientGone } from '../http/hang-up.ts';
import { FairLine } from './fair-line.ts';
import type { Flow } from './fair-line.ts';

export class Overloaded extends AuthError {
  override readonly code = 'OVERLOADED';

  constructor() {
    super('too many password hashes are waiting', { retryAfterSeconds: 1 });
  }
}

/** Who wants a password hashed. */
export interface Applicant extends Flow {
  /** Aborts when the client hangs up. */
  readonly signal?: AbortSignal | undefined;
}

export interface AdmissionLimits {
  /** Hashes that run at once. */
  readonly running: number;
  /** Places besides; the excess is refused at once. Whoever stands aside, and comes back, has none. */
  readonly waiting: number;
  /** Places of one account: whoever attacks it from everywhere leaves room for all others. */
  readonly perAccount: number;
}

/** With this many in line at about 50 hashes a second and thread, the last waits a third of a second. */
const WAITING_PER_THREAD = 16;

export function limitsFor(threads: number): AdmissionLimits {
  const waiting = threads * WAITING_PER_THREAD;
  return { running: threads, waiting, perAccount: waiting / 4 };
}

/** What an applicant with a place may do, once. */
export interface Place {
  /** Waits for its turn, then hashes. */
  readonly turn: <T>(hash: () => Promise<T>) => Promise<T>;
}

/** Whoever is not ready for the turn by then waits for the database, and takes no place of somebody who might be. */
const STANDS_ASIDE_AFTER: Millis = 250;

interface Entry extends Flow {
  /** It has asked for its turn. */
  isReady: boolean;
  /** It has given its place up. */
  stoodAside: boolean;
  readonly turn: PromiseWithResolvers<undefined>;
}

/**
 * Bounds the memory and the cores that hashing takes, and so how long anybody waits for it. It is asked before any other work for
 * a request, so that an applicant who is refused costs nothing else:
 *
 * ```
 * admit ── place ── (read the user) ── turn ── hash ── (open a session)
 *   │        │              └─ stands aside, where that takes long, and comes back into a line of its own
 *   │        └─ taken away, if the line is full and somebody comes who crowds it less; given back, when the client hangs up
 *   └─ refused
 * ```
 *
 * Without a database a client waits for longer than the whole line takes. Those who do so would fill it, while no thread hashes, and
 * be followed by refusals once the database is back. They had their place: they come back however many they are, and the two lines
 * take turns. At most all places are given up once in each STANDS_ASIDE_AFTER, for as long as a client waits.
 *
 * A hash that runs is not stopped, for a thread inside it cannot be; its client's place counts until it ends.
 */
export class Admission {
  private readonly limits: AdmissionLimits;
  private readonly line = new FairLine<Entry>();
  private readonly comeBack = new FairLine<Entry>();
  /** Whose turn it is comes first. */
  private readonly lines = [this.line, this.comeBack];
  private readonly clock: Clock;
  private active = 0;

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.limits = limits;
    this.clock = clock;
  }

  get running(): number {
    return this.active;
  }

  get waiting(): number {
    return this.line.size + this.comeBack.size;
  }

  /** Throws Overloaded at once where there is no place. */
  async admit<T>(applicant: Applicant, work: (place: Place) => Promise<T>): Promise<T> {
    const { signal } = applicant;
    if (signal?.aborted) throw new ClientGone();
    const entry = this.enter(applicant);
    const leave = (): void => {
      this.refuse(entry, new ClientGone());
    };
    signal?.addEventListener('abort', leave);
    const cancel = this.clock.after(STANDS_ASIDE_AFTER, () => {
      entry.stoodAside = !entry.isReady && this.line.remove(entry);
    });
    try {
      return await work({ turn: (hash) => this.turn(entry, hash, signal) });
    } finally {
      cancel();
      signal?.removeEventListener('abort', leave);
      this.remove(entry);
    }
  }

  private enter({ prefix, account }: Applicant): Entry {
    const turn = Promise.withResolvers<undefined>();
    const entry: Entry = { prefix, account, isReady: false, stoodAside: false, turn };
    // Whoever is refused while reading the user learns of it when asking for the turn.
    turn.promise.catch(() => undefined);
    if (this.line.sizeOfAccount(account) >= this.limits.perAccount) throw new Overloaded();
    this.line.add(entry);
    if (this.line.size + this.active <= this.limits.running + this.limits.waiting) return entry;
    const excess = this.line.mostCrowded() ?? entry;
    this.refuse(excess, new Overloaded());
    if (excess === entry) throw new Overloaded();
    return entry;
  }

  private refuse(entry: Entry, why: AuthError): void {
    if (this.remove(entry)) entry.turn.reject(why);
  }

  private remove(entry: Entry): boolean {
    return this.lines.some((line) => line.remove(entry));
  }

  private async turn<T>(entry: Entry, hash: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (entry.isReady) throw new Error('a place is for one hash');
    if (signal?.aborted) throw new ClientGone();
    entry.isReady = true;
    if (entry.stoodAside) this.comeBack.add(entry);
    this.callNext();
    await entry.turn.promise;
    try {
      const result = await hash();
      // Nobody is there any more to take what the result would be used for.
      if (signal?.aborted) throw new ClientGone();
      return result;
    } finally {
      this.active -= 1;
      this.callNext();
    }
  }

  private callNext(): void {
    while (this.active < this.limits.running) {
      const next = this.nextOf(this.lines);
      if (!next) return;
      this.lines.reverse();
      this.active += 1;
      next.turn.resolve(undefined);
    }
  }

  private nextOf(lines: readonly FairLine<Entry>[]): Entry | undefined {
    for (const line of lines) {
      const next = line.take(({ isReady }) => isReady);
      if (next) return next;
    }
    return undefined;
  }
}
