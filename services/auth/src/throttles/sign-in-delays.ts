import type { Millis } from '@authstack/http-service/clock';
import { delayAfter, delays } from './limits.ts';
import type { Subject, ThrottleKey, ThrottleStore } from './throttle-store.ts';

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
}

/** With what was wrong before it came. */
interface Judged extends Place {
  readonly failures: number;
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
    const places = subjects.map((subject) => this.enter(subject));
    try {
      const failures = await this.store.failures(subjects);
      const counted = places.map((place, index) => ({ ...place, failures: failures[index] ?? 0 }));
      for (const place of counted) {
        const wait = await this.waitOf(place);
        if (wait === undefined) continue;
        this.leave(places);
        return { isRefused: true, by: place.subject, wait };
      }
      return { isRefused: false, end: (outcome) => this.end(counted, outcome) };
    } catch (error) {
      this.leave(places);
      throw error;
    }
  }

  /** Before anything is waited for, so that of attempts that come together each counts those before it. */
  private enter(subject: Subject): Place {
    const ahead = this.underWay.get(subject.key) ?? 0;
    this.underWay.set(subject.key, ahead + 1);
    return { subject, ahead };
  }

  private leave(places: readonly Place[]): void {
    for (const { subject } of places) {
      const others = (this.underWay.get(subject.key) ?? 0) - 1;
      if (others > 0) this.underWay.set(subject.key, others);
      else this.underWay.delete(subject.key);
    }
  }

  /** Undefined when the attempt may go on. */
  private async waitOf({ subject, ahead, failures }: Judged): Promise<Millis | undefined> {
    const limits = delays[subject.counted];
    if (ahead < (failures === 0 ? limits.together : limits.free - failures)) return undefined;
    const turn = await this.store.takeTurn(subject, delayAfter(failures, limits));
    return turn.granted ? undefined : turn.wait;
  }

  private async end(places: readonly Judged[], outcome: Outcome): Promise<void> {
    try {
      if (outcome !== 'undecided') await Promise.all(places.map((place) => this.record(place, outcome)));
    } finally {
      this.leave(places);
    }
  }

  private async record({ subject, failures }: Judged, outcome: 'right' | 'wrong'): Promise<void> {
    if (outcome === 'wrong') await this.store.addFailure(subject);
    // Of the account as a whole nothing is forgotten: a sign-in of its owner must not set strangers free.
    else if (failures > 0 && subject.counted !== 'account') await this.store.forget(subject);
  }
}
