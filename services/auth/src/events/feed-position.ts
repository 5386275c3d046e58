import type { Millis } from '@authstack/http-service/clock';

/** How far the feed is: `seq` counts its entries, in one epoch of the database, which begins when that is founded or restored. */
export interface FeedPosition {
  readonly epoch: string;
  readonly seq: number;
  /** When it was read, by the database's clock, which is the same for all pods. */
  readonly asOf: Millis;
}

export interface FeedPositionStore {
  /** What a majority of the database has. */
  read(): Promise<FeedPosition>;
}

/** An older one says nothing about now. */
const STALE_AFTER: Millis = 5_000;

/** The position as this pod last read it. Times are of the pod's monotonic clock. */
export class LatestPosition {
  private latest: { readonly position: FeedPosition; readonly askedAt: Millis } | undefined;

  /** `askedAt`: before the read began, for it may have seen no more than that. Answers whether another epoch has begun. */
  note(position: FeedPosition, askedAt: Millis): { readonly hasNewEpoch: boolean } {
    const before = this.latest?.position.epoch;
    this.latest = { position, askedAt };
    return { hasNewEpoch: before !== undefined && before !== position.epoch };
  }

  /** Of an event that is sent now; undefined: it was never read. */
  get eventId(): string | undefined {
    if (!this.latest) return undefined;
    const { epoch, seq } = this.latest.position;
    return `${epoch}.${seq}`;
  }

  asOf(now: Millis): Millis | undefined {
    if (!this.latest || now - this.latest.askedAt > STALE_AFTER) return undefined;
    return this.latest.position.asOf;
  }
}
