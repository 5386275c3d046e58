import type { Clock, Millis } from '@authstack/http-service/clock';
import { windows } from './limits.ts';
import type { Operation } from './limits.ts';
import type { ThrottleKey, ThrottleStore, Turn } from './throttle-store.ts';

interface Share {
  left: number;
  endsAt: Millis;
  /** The window has no more. */
  isLast: boolean;
}

/** Beyond this many networks at once the oldest shares are given up, which only makes their windows smaller. */
const MAX_SHARES = 10_000;

/**
 * Spends the points of the windows from memory, and takes them from the store a share at a time: one write for many requests of
 * a network, none for those of a network that has used its window up, and never more than the window grants to all pods together.
 */
export class Shares {
  private readonly shares = new Map<string, Share>();
  private readonly underWay = new Map<string, Promise<void>>();
  private readonly store: Pick<ThrottleStore, 'take'>;
  private readonly clock: Clock;

  constructor(store: Pick<ThrottleStore, 'take'>, clock: Clock) {
    this.store = store;
    this.clock = clock;
  }

  /** @param points at most a share */
  async spend(operation: Operation, key: ThrottleKey, points = 1): Promise<Turn> {
    const id = `${operation}:${key}`;
    for (;;) {
      const turn = this.spendFrom(id, points);
      if (turn) return turn;
      // Requests that come meanwhile wait for the one that asks, and look again: where it had to give up, they may still wait.
      await (this.underWay.get(id)?.catch(() => undefined) ?? this.take(operation, key));
    }
  }

  /** Of what was spent and is not needed; nothing once the window is over. */
  giveBack(operation: Operation, key: ThrottleKey, points: number): void {
    const share = this.current(`${operation}:${key}`);
    if (share) share.left += points;
  }

  /** Undefined where the store must be asked. */
  private spendFrom(id: string, points: number): Turn | undefined {
    const share = this.current(id);
    if (!share) return undefined;
    const wait = share.endsAt - this.clock.monotonic();
    if (share.left < points) return share.isLast ? { granted: false, wait } : undefined;
    share.left -= points;
    return { granted: true, wait };
  }

  private take(operation: Operation, key: ThrottleKey): Promise<void> {
    const id = `${operation}:${key}`;
    const { share: points } = windows[operation];
    const work = this.store
      .take(operation, key, points)
      .then(({ granted, wait }) => {
        const left = (this.current(id)?.left ?? 0) + (granted ? points : 0);
        this.keep(id, { left, endsAt: this.clock.monotonic() + wait, isLast: !granted });
      })
      .finally(() => this.underWay.delete(id));
    this.underWay.set(id, work);
    return work;
  }

  private current(id: string): Share | undefined {
    const share = this.shares.get(id);
    return share && share.endsAt > this.clock.monotonic() ? share : undefined;
  }

  private keep(id: string, share: Share): void {
    this.shares.delete(id);
    this.shares.set(id, share);
    const [oldest] = this.shares.keys();
    if (this.shares.size > MAX_SHARES && oldest !== undefined) this.shares.delete(oldest);
  }
}
