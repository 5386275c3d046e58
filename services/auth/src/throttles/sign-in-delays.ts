import type { Millis } from '@authstack/http-service/clock';
import { delayAfter, delays } from './limits.ts';
import type { Counted } from './limits.ts';
import type { ThrottleKey, ThrottleStore } from './throttle-store.ts';

/** Whose wrong passwords slow an attempt down. */
export interface Subject {
  readonly counted: Counted;
  readonly key: ThrottleKey;
}

export type Outcome = 'right' | 'wrong' | 'undecided';

/** An attempt that may go on; it must be told how it ended. */
export interface Attempt {
  readonly isRefused: false;
  end(outcome: Outcome): Promise<void>;
}

export interface Refused {
  readonly isRefused: true;
  readonly by: Subject;
  readonly wait: Millis;
}

/** Of one attempt, with one of its subjects. */
interface Place {
  readonly subject: Subject;
  /** Attempts of the subject that were under way in this pod when it came. */
  readonly ahead: number;
  failures: number;
}

/**
 * Lets attempts at an account through, ever more slowly the more passwords were wrong. An attempt that is under way counts as a
 * wrong one, so that guesses sent all at once gain nothing; as long as nothing was wrong, as many may be under way as somebody's
 * programs may start together.
 */
export class SignInDelays {
  private readonly underWay = new Map<ThrottleKey, number>();
  private readonly store: ThrottleStore;

  constructor(store: ThrottleStore) {
    this.store = store;
  }

  /** Asks the subjects in their order; a narrow one comes first, so that whoever it refuses takes no turn of the wider one. */
  async begin(subjects: readonly Subject[]): Promise<Attempt | Refused> {
    const places: Place[] = [];
    try {
      for (const subject of subjects) {
        const place = this.enter(subject);
        places.push(place);
        const wait = await this.waitOf(place);
        if (wait !== undefined) {
          this.leave(places);
          return { isRefused: true, by: subject, wait };
        }
      }
    } catch (error) {
      this.leave(places);
      throw error;
    }
    return { isRefused: false, end: (outcome) => this.end(places, outcome) };
  }

  /** Before anything is waited for, so that of attempts that come together each counts those before it. */
  private enter(subject: Subject): Place {
    const ahead = this.underWay.get(subject.key) ?? 0;
    this.underWay.set(subject.key, ahead + 1);
    return { subject, ahead, failures: 0 };
  }

  private leave(places: readonly Place[]): void {
    for (const { subject } of places) {
      const others = (this.underWay.get(subject.key) ?? 0) - 1;
      if (others > 0) this.underWay.set(subject.key, others);
      else this.underWay.delete(subject.key);
    }
  }

  /** Undefined when the attempt may go on. */
  private async waitOf(place: Place): Promise<Millis | undefined> {
    const { counted, key } = place.subject;
    const { free, together } = delays[counted];
    place.failures = await this.store.failures(counted, key);
    if (place.ahead < (place.failures === 0 ? together : free - place.failures)) return undefined;
    const turn = await this.store.takeTurn(counted, key, delayAfter(place.failures, delays[counted]));
    return turn.granted ? undefined : turn.wait;
  }

  private async end(places: readonly Place[], outcome: Outcome): Promise<void> {
    try {
      if (outcome !== 'undecided') await Promise.all(places.map((place) => this.record(place, outcome)));
    } finally {
      this.leave(places);
    }
  }

  private async record({ subject: { counted, key }, failures }: Place, outcome: 'right' | 'wrong'): Promise<void> {
    if (outcome === 'wrong') await this.store.addFailure(counted, key);
    // Of the account as a whole nothing is forgotten: a sign-in of its owner must not set strangers free.
    else if (failures > 0 && counted !== 'account') await this.store.forget(counted, key);
  }
}
