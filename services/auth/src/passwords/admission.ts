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
  /** Places besides; the excess is refused at once. */
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

interface Entry extends Flow {
  /** It has asked for its turn. */
  isReady: boolean;
  readonly turn: PromiseWithResolvers<void>;
}

/**
 * Bounds the memory and the cores that hashing takes, and so how long anybody waits for it. It is asked before any other work for
 * a request, so that an applicant who is refused costs nothing else:
 *
 * ```
 * admit ── place ── (read the user) ── turn ── hash ── (open a session)
 *   │        └─ taken away, if the line is full and somebody comes who crowds it less; given back, when the client hangs up
 *   └─ refused
 * ```
 *
 * A hash that runs is not stopped, for a thread inside it cannot be; its client's place counts until it ends.
 */
export class Admission {
  private readonly limits: AdmissionLimits;
  private readonly line = new FairLine<Entry>();
  private active = 0;

  constructor(limits: AdmissionLimits) {
    this.limits = limits;
  }

  get running(): number {
    return this.active;
  }

  get waiting(): number {
    return this.line.size;
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
    try {
      return await work({ turn: (hash) => this.turn(entry, hash, signal) });
    } finally {
      signal?.removeEventListener('abort', leave);
      this.line.remove(entry);
    }
  }

  private enter({ prefix, account }: Applicant): Entry {
    const entry: Entry = { prefix, account, isReady: false, turn: Promise.withResolvers() };
    // Whoever is refused while reading the user learns of it when asking for the turn.
    entry.turn.promise.catch(() => undefined);
    if (this.line.sizeOfAccount(account) >= this.limits.perAccount) throw new Overloaded();
    this.line.add(entry);
    if (this.line.size + this.active <= this.limits.running + this.limits.waiting) return entry;
    const excess = this.line.mostCrowded() ?? entry;
    this.refuse(excess, new Overloaded());
    if (excess === entry) throw new Overloaded();
    return entry;
  }

  private refuse(entry: Entry, why: AuthError): void {
    if (this.line.remove(entry)) entry.turn.reject(why);
  }

  private async turn<T>(entry: Entry, hash: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (entry.isReady) throw new Error('a place is for one hash');
    entry.isReady = true;
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
      const next = this.line.take(({ isReady }) => isReady);
      if (!next) return;
      this.active += 1;
      next.turn.resolve();
    }
  }
}
